# Settings and functions shared by the scripts of this folder; sourced, not run.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../boxes.sh"
H=${CLOUDLAYER_DOCKER_HOME:-/var/tmp/cloudlayer-engine}
ENGINE=$H/engine SOCKET=$H/engine/docker.sock
BRIDGE=cldl0 ADDRESS=10.223.0.1/24            # the engine's default network
CGROUP=cloudlayer-engine                      # parent of all containers' cgroups
IMAGE=cloudlayer/base:local
WAIT=60                                       # longest wait, in seconds, for the engine

setup() { occupy CLOUDLAYER_DOCKER_HOME; }

# The engine lives in a box, a process tree with pids and mounts of its own: when its first process dies, so does
# every container.
box_start() {
  rm -f "$ENGINE/init.pid" "$ENGINE/outer.pid"
  (
    exec 9>&-
    exec setsid unshare --fork --kill-child=KILL --pid --mount --propagation slave -- "$HERE/engine-boot.sh" \
      </dev/null >>"$ENGINE/log" 2>&1
  ) &
  stamp $! >"$ENGINE/outer.pid"
  until_ok 10 alive "$ENGINE/init.pid" || die "the engine did not start, see $ENGINE/log"
}
box_stop() {
  local p
  for p in init outer; do
    if alive "$ENGINE/$p.pid"; then kill -KILL "$(pid_of "$ENGINE/$p.pid")" 2>/dev/null || :; fi
  done
  for p in init outer; do
    until_ok 60 gone "$ENGINE/$p.pid" || die "process $(pid_of "$ENGINE/$p.pid") does not die"
  done
  rm -f "$ENGINE/init.pid" "$ENGINE/outer.pid"
  until_ok 10 cgroups_gone || say "cgroup $CGROUP could not be removed"
}
cgroups_gone() {  # version 1 has one tree a controller, version 2 one tree
  local c
  for c in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [[ ! -d $c/$CGROUP ]] || find "$c/$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || return 1
  done
}
cgroups_up() {  # version 2 without systemd: nobody has handed the controllers down yet
  local root=/sys/fs/cgroup p
  [[ -e $root/cgroup.controllers && ! -d /run/systemd/system ]] || return 0
  if ! sed 's/\(\w\+\)/+\1/g' $root/cgroup.controllers >$root/cgroup.subtree_control 2>/dev/null; then
    mkdir -p $root/init   # inside a container, the tree's root may hold no process of its own
    while read -r p; do echo "$p" >$root/init/cgroup.procs 2>/dev/null || :; done <$root/cgroup.procs
    sed 's/\(\w\+\)/+\1/g' $root/cgroup.controllers >$root/cgroup.subtree_control
  fi
}

# What an engine that died at once leaves on this machine: bridges, and rules that were not there before it.
engine_sweep() {
  local b names="DOCKER|$BRIDGE|cldi|cldo" t db=$ENGINE/data/network/files/local-kv.db
  for b in $(ip -o link show type bridge | grep -oE ' (br-[0-9a-f]{12}|cld[io]-[0-9a-f]+):' | tr -d ' :'); do
    if [[ $b == cld* ]] || grep -aqs "${b#br-}" "$db"; then names+="|$b"; ip link del "$b"; fi
  done
  if [[ -e /sys/class/net/$BRIDGE ]]; then ip link del "$BRIDGE"; fi
  for t in filter nat raw; do
    [[ -e $ENGINE/before.$t ]] || continue
    iptables -w 10 -t $t -S | grep -vxFf "$ENGINE/before.$t" >"$ENGINE/now" || :
    sed -nE "/^-A .*($names)|^-A POSTROUTING -s ([0-9.]+\/32) -d \\2 /s/^-A/-D/p" "$ENGINE/now" |
      xargs -r -L1 iptables -w 10 -t $t
    sed -nE 's/^-N (DOCKER[A-Z0-9-]*)$/\1/p' "$ENGINE/now" | xargs -r -L1 iptables -w 10 -t $t -X
    rm -f "$ENGINE/now" "$ENGINE/before.$t"
  done
}
