#!/usr/bin/env bash
# Azurite, the emulator of Azure Storage, on loopback: blobs alone, in memory. stdout is export lines. May be run again at
# any time. Its packages are those of package-lock.json; none of their install scripts runs.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
lock "$AZURITE_HOME/.lock"

setup() {
  local want; want=$(sha256sum <"$HERE/package-lock.json")
  command -v node >/dev/null && command -v npm >/dev/null || die "Azurite needs node 20 and npm"
  if [ "$(cat "$AZURITE_HOME/.installed" 2>/dev/null)" = "$want" ]; then return; fi
  log "installing Azurite into $AZURITE_HOME"
  cp "$HERE"/package*.json "$AZURITE_HOME/"
  (cd "$AZURITE_HOME" && npm ci --ignore-scripts --omit=dev --no-audit --no-fund >&2)
  echo "$want" >"$AZURITE_HOME/.installed"
}

answers() { http GET "$AZURITE_PORT" '/devstoreaccount1?comp=list' | grep -q '^Server: Azurite'; }

if alive azurite && answers; then
  log "Azurite is up already"
else
  setup
  stop azurite
  ports_free "$AZURITE_PORT"
  # today's SDK speaks a newer version of the protocol than the emulator knows
  start azurite node "$AZURITE_HOME/node_modules/azurite/dist/src/blob/main.js" --blobHost 127.0.0.1 --blobPort "$AZURITE_PORT" \
    --inMemoryPersistence --extentMemoryLimit 2048 --skipApiVersionCheck --disableProductStyleUrl --disableTelemetry --silent
  wait_for "$AZURITE_WAIT" answers azurite
fi
echo "export AZURITE_ENDPOINT=http://127.0.0.1:$AZURITE_PORT/devstoreaccount1"
