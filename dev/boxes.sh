# What the scripts of dev/docker and dev/hosts share; sourced, not run. H is the folder of whoever sources it.
set -euo pipefail
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"

die() { echo "${0##*/}: $*" >&2; exit 1; }
say() { echo "${0##*/}: $*" >&2; }

occupy() {  # occupy VARIABLE: checks H, which VARIABLE names, then lets one script at a time into it
  ((EUID == 0)) || die "must run as root"
  [[ $H == /* && ${#H} -le 60 && $H != *[[:space:]:,]* ]] || die "$1: absolute, at most 60 characters, plain"
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
born() {  # for the first process of a box, while /proc is still this machine's: its pid as seen from outside
  local p _; read -r p _ </proc/self/stat; stamp "$p" >"$1/init.pid.new"; mv "$1/init.pid.new" "$1/init.pid"
}
pid_of() { local p _; read -r p _ <"$1"; echo "$p"; }
engine_ok() { timeout 5 docker -H "unix://$1" version >/dev/null 2>&1; }

# Forwarding is switched on while something runs here, and put back after it.
forward_on() {
  local f=/proc/sys/net/ipv4/ip_forward
  [[ -e $H/ip_forward ]] || cat $f >"$H/ip_forward"
  echo 1 >$f
}
forward_back() {
  if [[ -e $H/ip_forward ]]; then cat "$H/ip_forward" >/proc/sys/net/ipv4/ip_forward; rm -f "$H/ip_forward"; fi
}
