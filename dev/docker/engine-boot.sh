#!/bin/bash
# First process of the engine, in pid and mount namespaces of its own, on this machine's network; run by engine-up.sh.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
born "$ENGINE"
mount -t proc proc /proc
rm -rf "$ENGINE/exec" "$SOCKET"   # what a killed engine leaves; its pid files would mislead the next
mkdir -p "$ENGINE/exec" "$ENGINE/etc" /etc/docker
mount --bind "$ENGINE/etc" /etc/docker   # this machine's settings do not count, nor change
dockerd --log-level warn --data-root "$ENGINE/data" --exec-root "$ENGINE/exec" --pidfile "$ENGINE/exec/pid" \
  --exec-opt native.cgroupdriver=cgroupfs --bridge "$BRIDGE" --cgroup-parent "/$CGROUP" -H "unix://$SOCKET" &
while :; do sleep 3600 & wait -n || :; done   # stay, and reap
