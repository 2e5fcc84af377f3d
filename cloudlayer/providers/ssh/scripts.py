"""What runs on a machine: POSIX shell, sent over the connection, so that nothing need be installed there beforehand.

Each prints lines of a word and a value. A claim is a file that is made whole and by one call that fails if it is there: of two
that come at once the machine itself takes one. What gives a machine back holds the same lock as what claims it, and removes
the claim last.
"""

from __future__ import annotations

from typing import Final

from cloudlayer.runtime.gpu.mig import BOOT_ID, NOTES
from cloudlayer.runtime.gpu.multi_process import EARLIER, FOLDER

_COMMON: Final = r"""
set -u
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
folder=/var/lib/cloudlayer
say() { printf '%s %s\n' "$1" "$2"; }
tell_claim() { if [ -e "$folder/claim.json" ]; then say claim "$(base64 <"$folder/claim.json" | tr -d '\n')"; fi; }
"""

SURVEY: Final = (
    _COMMON
    + r"""
if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then say has root; fi
for tool in bash python3 iptables flock docker; do if command -v $tool >/dev/null; then say has $tool; fi; done
engine=$(timeout 10 docker info --format '{{.ServerVersion}}{{range $name, $_ := .Runtimes}} {{$name}}{{end}}' 2>/dev/null)
say engine "${engine%% *}"
case "$engine " in *' nvidia '*) say has nvidia ;; esac
say cores "$(getconf _NPROCESSORS_ONLN)"
say memory "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
free() { df -Pk "$1" 2>/dev/null | sed -n '2s/^[^ ]* *[0-9]* *[0-9]* *\([0-9]*\) .*/\1/p'; }
disk=$(free /var/lib/docker)
say disk "${disk:-$(free /var/lib)}"
say architecture "$(uname -m)"
for device in /sys/bus/pci/devices/*; do
  case "$(cat "$device/vendor" "$device/class" 2>/dev/null | tr '\n' ' ')" in
    '0x10de 0x0300'* | '0x10de 0x0302'*) say card "${device##*/}" ;;
  esac
done
if command -v nvidia-smi >/dev/null; then
  timeout 20 nvidia-smi --query-gpu=index,uuid,name,memory.total,driver_version --format=csv,noheader,nounits |
    while IFS= read -r line; do say gpu "$line"; done
fi
tell_claim
"""
)

CLAIM: Final = (
    _COMMON
    + r"""
mkdir -p "$folder" && exec 9>"$folder/lock" && flock -w 30 9 || exit 1
draft=$(mktemp "$folder/.claim.XXXXXX") || exit 1
trap 'rm -f "$draft"' EXIT
printf %s "$1" | base64 -d >"$draft" && chmod 644 "$draft" && sync "$draft" || exit 1
ln "$draft" "$folder/claim.json" 2>/dev/null || [ -e "$folder/claim.json" ] || exit 1
tell_claim
"""
)

RELEASE: Final = (
    _COMMON
    + f"services='{EARLIER} {FOLDER}' instances={NOTES} started={BOOT_ID}"
    + r"""
id=$1 owner=$2
[ -e "$folder/claim.json" ] || exit 0
exec 9>"$folder/lock" && flock -w 30 9 || exit 1
grep -qF "\"id\": \"$id\"" "$folder/claim.json" 2>/dev/null || exit 0
ours=label=cloudlayer-owner${owner:+=$owner}
if command -v docker >/dev/null; then
  for round in 1 2 3; do
    found=$(docker ps -aq --filter "$ours") || exit 1
    [ -n "$found" ] || break
    docker rm -fv $found >/dev/null 2>&1
  done
  [ -z "$(docker ps -aq --filter "$ours")" ] || { echo "containers are still being started" >&2; exit 1; }
  for kind in network volume; do
    for one in $(docker $kind ls -q --filter "$ours"); do docker $kind rm "$one" >/dev/null || exit 1; done
  done
  # Images that functions were built into, and their lower parts; one that a stranger's container runs on stays.
  for label in cloudlayer-function cloudlayer-part; do
    docker image ls -q --filter label=$label | sort -u | xargs -r docker image rm -f >/dev/null 2>&1
  done
fi
if [ ! -d /sys/class/net ] || ! ls /sys/class/net | grep -q '^cld[io]-'; then
  for table in raw filter; do
    iptables -w 10 -t $table -S 2>/dev/null | sed -n 's/^-A \(.* -i cld[io]-+ .*\)/-D \1/p' |
      while IFS= read -r rule; do iptables -w 10 -t $table $rule; done
  done
fi
# The service by which replicas share GPUs, unless a stranger's container uses it, and what its clients left in memory.
for sharing in $services; do
  [ -d "$sharing" ] && [ -z "$(docker ps -q --filter "volume=$sharing" 2>/dev/null)" ] || continue
  echo quit | CUDA_MPS_PIPE_DIRECTORY=$sharing timeout 20 nvidia-cuda-mps-control >/dev/null 2>&1
  while mountpoint -q "$sharing-memory"; do
    umount "$sharing-memory" 2>/dev/null || umount -l "$sharing-memory" || exit 1
  done
  rm -rf "$sharing" "$sharing-memory" "$sharing.lock"
done
# MIG instances of ours, of those that were made since the machine was started.
for note in "$instances"/*; do
  [ -f "$note" ] || continue
  read -r boot gpu start profile <"$note"
  if [ "$boot" = "$(cat "$started")" ]; then
    devices=$(timeout 60 nvidia-smi --query-gpu=index,uuid --format=csv,noheader) || { echo "nvidia-smi fails" >&2; exit 1; }
    index=$(echo "$devices" | sed -n "s/, *$gpu *\$//p")
    row="^| *${index:-none}  *MIG $profile  *[0-9]*  *\([0-9]*\)  *$start:[0-9]* .*"
    number=$(timeout 60 nvidia-smi mig -lgi 2>/dev/null | sed -n "s/$row/\1/p")
    if [ -n "$number" ]; then
      timeout 60 nvidia-smi mig -i "$gpu" -gi "$number" -dci >/dev/null 2>&1
      timeout 60 nvidia-smi mig -i "$gpu" -gi "$number" -dgi >&2 || exit 1
    fi
  fi
  rm -f "$note"
done
rmdir "$instances" 2>/dev/null
rm -rf "$folder/models"
rm -rf /run/cloudlayer/????????????  # names of other lengths are a controller's, which may run here too
rmdir /run/cloudlayer 2>/dev/null
rm -f "$folder/claim.json" "$folder"/.claim.*
say released "$id"
"""
)
