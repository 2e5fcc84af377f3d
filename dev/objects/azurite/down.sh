#!/usr/bin/env bash
# Stops Azurite; its blobs go with it. The installation stays, --wipe or not.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
lock "$AZURITE_HOME/.lock"
stop azurite
