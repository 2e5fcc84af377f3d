#!/usr/bin/env bash
# Stops what up.sh started; --wipe also deletes the stored data (the keys stay).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
lock "$SSHD_HOME/.lock"
stop sshd
if [ "${1:-}" = --wipe ]; then rm -rf "$SSHD_HOME/data"; fi
