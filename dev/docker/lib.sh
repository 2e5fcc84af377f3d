# Settings and functions shared by the scripts of this folder; sourced, not run.
set -euo pipefail
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
H=${CLOUDLAYER_DOCKER_HOME:-/var/tmp/cloudlayer-engine}
ENGINE=$H/engine SOCKET=$H/engine/docker.sock
BRIDGE=cldl0 ADDRESS=10.223.0.1/24            # the engine's default network
CGROUP=cloudlayer-engine                      # parent of all containers' cgroups
IMAGE=cloudlayer/base:local
WAIT=60                                       # longest wait, in seconds, for the engine

die() { echo "${0##*/}: $*" >&2; exit 1; }
say() { echo "${0##*/}: $*" >&2; }

setup() {  # checks, then one script at a time
  ((EUID == 0)) || die "must run as root"
  [[ $H == /* && ${#H} -le 60 && $H != *[[:space:]:,]* ]] || die "CLOUDLAYER_DOCKER_HOME: absolute, at most 60 characters, plain"
  [[ -d $H ]] || mkdir -p -m 700 "$H"
  exec 9>"$H/lock"; flock -w 300 9 || die "another script holds $H/lock"
}

until_ok() {  # until_ok SECONDS COMMAND...: polls every 50 ms
  local end=$((${EPOCHREALTIME/./} + $1 * 1000000)); shift
  until "$@" 2>/dev/null; do ((${EPOCHREALTIME/./} < end)) || return 1; sleep 0.05; done
}

# A process is named by its pid and its start time, so that a reused pid is never taken for it.
stamp() { local s; s=$(<"/proc/$1/stat") || return 1; s=${s##*) }; set -- "$1" $s; echo "$1 ${21}"; }
alive() { local p t; [[ -s $1 ]] && read -r p t <"$1" && [[ $(stamp "$p" 2>/dev/null) == "$p $t" ]]; }
gone() { ! alive "$1"; }
born() {  # for the first process of the box, while /proc is still this machine's: its pid as seen from outside
  local p _; read -r p _ </proc/self/stat; stamp "$p" >"$1/init.pid.new"; mv "$1/init.pid.new" "$1/init.pid"
}
pid_of() { local p _; read -r p _ <"$1"; echo "$p"; }

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
engine_ok() { timeout 5 docker -H "unix://$1" version >/dev/null 2>&1; }

# Forwarding is switched on while the engine runs, and put back after it.
forward_on() {
  local f=/proc/sys/net/ipv4/ip_forward
  [[ -e $H/ip_forward ]] || cat $f >"$H/ip_forward"
  echo 1 >$f
}
forward_off() {
  if [[ -e $H/ip_forward ]]; then cat "$H/ip_forward" >/proc/sys/net/ipv4/ip_forward; rm -f "$H/ip_forward"; fi
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
