#!/bin/bash
# engine-down.sh: removes the engine with its containers, images, networks and rules.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
setup
if alive "$ENGINE/init.pid" && engine_ok "$SOCKET"; then
  export DOCKER_HOST=unix://$SOCKET
  timeout 30 docker ps -aq 2>/dev/null | timeout 60 xargs -r docker rm -f >/dev/null 2>&1 || :
  timeout 30 docker network prune -f >/dev/null 2>&1 || :
fi
box_stop
engine_sweep
rm -rf --one-file-system "$ENGINE"
forward_back
