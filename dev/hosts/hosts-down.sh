#!/bin/bash
# hosts-down.sh: removes every host with its data, the bridge and the rules. The keys stay.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
setup
for d in "$HOSTS"/host*/; do [[ ! -d $d ]] || box_kill "${d%/}" "$TAG/$(basename "$d")"; done   # all at once
for d in "$HOSTS"/host*/; do
  [[ -d $d ]] || continue
  n=${d%/}; n=${n##*/}
  host_stop "$n"
  rm -rf --one-file-system "$d"
done
rm -rf "$HOSTS"
bridge_down
forward_off
cgroups_gone "$TAG" || say "cgroup $TAG could not be removed"
