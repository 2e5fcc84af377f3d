# Settings and functions shared by the scripts of this folder; sourced, not run.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../boxes.sh"
H=${DOCKER_HOSTS_HOME:-/var/tmp/cloudlayer-hosts}
TAG=${DOCKER_HOSTS_TAG:-cldh}                 # prefix of every bridge, link, cgroup and rule made here
SUBNET=${DOCKER_HOSTS_SUBNET:-10.221.0}       # the hosts' /24: .1 is this machine, .11 is host1
MEMORY=${DOCKER_HOSTS_MEMORY:-}               # cap for each host, as bytes or 512M, 2G; empty: none
WAIT=${DOCKER_HOSTS_WAIT:-60}                 # longest wait, in seconds, for anything to start
BRIDGE=${TAG}0 CG=/sys/fs/cgroup HOSTS=$H/hosts

setup() {
  [[ $TAG =~ ^[a-z]{1,8}$ ]] || die "DOCKER_HOSTS_TAG: 1 to 8 small letters"
  [[ -e $CG/freezer/tasks || -e $CG/freezer/cgroup.procs ]] || die "needs the cgroup v1 freezer at $CG/freezer"
  occupy DOCKER_HOSTS_HOME
}

# A box is one process tree in namespaces of its own: when its first process dies, so does all the rest.
box_start() {  # box_start DIR CGROUP UNSHARE-OPTIONS -- COMMAND...
  local d=$1 cg=$2 o=(); shift 2
  while [[ $1 != -- ]]; do o+=("$1"); shift; done; shift
  rm -f "$d/init.pid" "$d/outer.pid"
  (
    for c in freezer memory; do
      mkdir -p "$CG/$c/$cg"; echo "$BASHPID" >"$CG/$c/$cg/cgroup.procs"
    done
    exec 9>&-
    exec setsid unshare --fork --kill-child=KILL --pid --mount "${o[@]}" -- "$@" </dev/null >>"$d/log" 2>&1
  ) &
  stamp $! >"$d/outer.pid"
  until_ok 10 alive "$d/init.pid" || die "${d##*/} did not start, see $d/log"
}
box_kill() {  # box_kill DIR CGROUP
  local f=$CG/freezer/$2/freezer.state p
  for p in init outer; do
    if alive "$1/$p.pid"; then kill -KILL "$(pid_of "$1/$p.pid")" 2>/dev/null || :; fi
  done
  if [[ -e $f ]]; then echo THAWED >"$f"; fi   # a frozen process dies only once thawed
}
box_stop() {  # box_stop DIR CGROUP
  local p
  box_kill "$1" "$2"
  for p in init outer; do
    until_ok 60 gone "$1/$p.pid" || die "${1##*/}: process $(pid_of "$1/$p.pid") does not die"
  done
  rm -f "$1/init.pid" "$1/outer.pid"
  until_ok 10 cgroups_gone "$2" || say "cgroup $2 could not be removed"
}
cgroups_gone() {
  local c
  for c in "$CG"/*/; do [[ ! -d $c$1 ]] || find "$c$1" -depth -type d -exec rmdir {} + 2>/dev/null || return 1; done
}

forward_off() { [[ -e $HOSTS ]] || forward_back; }   # by the last one down

# The hosts' bridge and its rules on this machine, each rule marked with the tag.
rule() {  # rule -I|-D TABLE CHAIN MATCH... TARGET
  local how=$1 t=$2 c=$3 a=("${@:4:$#-4}" -m comment --comment "$TAG" -j "${@: -1}"); shift 3
  if [[ $how == -I ]]; then
    iptables -w 10 -t "$t" -C "$c" "${a[@]}" 2>/dev/null || iptables -w 10 -t "$t" -I "$c" "${a[@]}"
  else
    while iptables -w 10 -t "$t" -D "$c" "${a[@]}" 2>/dev/null; do :; done
  fi
}
rules() {
  rule "$1" filter FORWARD -i "$BRIDGE" ACCEPT
  rule "$1" filter FORWARD -o "$BRIDGE" ACCEPT
  rule "$1" nat POSTROUTING -s "$SUBNET.0/24" ! -o "$BRIDGE" MASQUERADE
}
bridge_up() {
  [[ -e /sys/class/net/$BRIDGE ]] || ip link add "$BRIDGE" type bridge
  ip addr replace "$SUBNET.1/24" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  rules -I
}
bridge_down() {
  rules -D
  if [[ -e /sys/class/net/$BRIDGE ]]; then ip link del "$BRIDGE"; fi
}

# Hosts.
host_number() { [[ $1 =~ ^host([1-9][0-9]{0,2})$ ]] && ((BASH_REMATCH[1] <= 200)) || die "no such host name: $1"; echo "${BASH_REMATCH[1]}"; }
host_ip() { echo "$SUBNET.$((10 + $(host_number "$1")))"; }
host_sock() { echo "$HOSTS/$1/sock/docker.sock"; }
ssh_ok() { timeout 2 bash -c "exec 3<>/dev/tcp/$1/22 && read -r -t 2 l <&3 && [[ \$l == SSH-* ]]" 2>/dev/null; }
keys() {
  local k n
  mkdir -p -m 700 "$H/ssh"
  for k in host_key id; do
    [[ -s $H/ssh/$k.pub ]] || { rm -f "$H/ssh/$k"; ssh-keygen -q -t ed25519 -N '' -C "$TAG" -f "$H/ssh/$k"; }
  done
  local pub; pub=$(cut -d' ' -f1,2 "$H/ssh/host_key.pub")
  for n in {1..200}; do echo "$SUBNET.$((10 + n)) $pub"; done >"$H/ssh/known_hosts"
  for n in {1..200}; do
    printf 'Host host%s\n HostName %s\n' "$n" "$SUBNET.$((10 + n))"
  done >"$H/ssh/config"
  printf '%s\n' 'Host *' ' User root' " IdentityFile $H/ssh/id" ' IdentitiesOnly yes' ' BatchMode yes' \
    " UserKnownHostsFile $H/ssh/known_hosts" ' StrictHostKeyChecking yes' ' ConnectTimeout 10' >>"$H/ssh/config"
}
host_start() {
  local n=$1 i d=$HOSTS/$1 v
  i=$(host_number "$n") v=$TAG$i
  mkdir -p "$d/sock"; chmod 700 "$d"; rm -f "$d/sock/docker.sock"
  if [[ -e /sys/class/net/$v ]]; then ip link del "$v" 2>/dev/null || :; fi
  mkdir -p "$CG/memory/$TAG/$n"
  echo 1 >"$CG/memory/$TAG/$n/memory.use_hierarchy" 2>/dev/null || :
  if [[ -n $MEMORY ]]; then echo "$MEMORY" >"$d/memory"; fi   # kept, so that heal caps it again
  if [[ -e $d/memory ]]; then cat "$d/memory" >"$CG/memory/$TAG/$n/memory.limit_in_bytes"; fi
  box_start "$d" "$TAG/$n" --net --uts --ipc -- \
    "$HERE/host-boot.sh" "$n" "$d" "$(host_ip "$n")/24" "$SUBNET.1" "/$TAG/$n" "$H/ssh"
  # A fixed hardware address, so that a host that comes back is found at once.
  ip link add "$v" type veth peer name eth0 address "02:c1:0d:00:00:$(printf %02x "$i")" netns "$(pid_of "$d/init.pid")"
  ip link set "$v" master "$BRIDGE" up
}
host_ready() {
  until_ok "$WAIT" engine_ok "$(host_sock "$1")" || die "$1: no engine, see $HOSTS/$1/log"
  until_ok 20 ssh_ok "$(host_ip "$1")" || die "$1: no sshd, see $HOSTS/$1/log"
}
host_stop() {  # as if the power went: nothing more is sent, then everything dies
  local v; v=$TAG$(host_number "$1")
  if [[ -e /sys/class/net/$v ]]; then ip link set "$v" down 2>/dev/null || :; fi
  box_stop "$HOSTS/$1" "$TAG/$1"
  if [[ -e /sys/class/net/$v ]]; then ip link del "$v" 2>/dev/null || :; fi
}
freezer() {  # freezer NAME FROZEN|THAWED
  local f=$CG/freezer/$TAG/$1/freezer.state
  echo "$2" >"$f"; until_ok 10 grep -qx "$2" "$f" || die "$1 did not become $2"
}
host_heal() {
  if alive "$HOSTS/$1/init.pid"; then
    freezer "$1" THAWED
    ip link set "$TAG$(host_number "$1")" up
  else
    host_stop "$1"; host_start "$1"
  fi
}
