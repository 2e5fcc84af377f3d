#!/bin/bash
# engine-up.sh: one engine on this machine, on a unix socket only; prints the export that reaches it. Running it
# again does no harm.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
setup
mkdir -p "$ENGINE"
if ! alive "$ENGINE/init.pid" || ! until_ok 5 engine_ok "$SOCKET"; then
  ! engine_ok /run/docker.sock || die "an engine already runs here (/run/docker.sock); two would undo each other's rules"
  box_stop
  engine_sweep
  for t in filter nat raw; do iptables -w 10 -t $t -S >"$ENGINE/before.$t"; done
  forward_on
  cgroups_up
  ip link add "$BRIDGE" type bridge
  ip addr add "$ADDRESS" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  box_start
  until_ok "$WAIT" engine_ok "$SOCKET" || die "no engine, see $ENGINE/log"
fi
echo "export DOCKER_HOST=unix://$SOCKET"
