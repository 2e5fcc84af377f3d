#!/bin/sh
# Makes a bare machine one that runs containers. cloud-init runs it last, once; the marker "ready" is written at the very end.
# Where a step fails, "failed" says which.
set -eu
export DEBIAN_FRONTEND=noninteractive
state=/var/lib/cloudlayer
step="beginning"
trap 'if [ ! -e $state/ready ]; then echo "$step" >$state/failed; fi' EXIT

install() {
  step="installing $*"
  if ! command -v apt-get >/dev/null; then
    step="$step: this image has no apt-get; use Debian or Ubuntu, or an image that has them"
    return 1
  fi
  for try in 1 2 3 4 5 6; do
    if apt-get -qq -o Acquire::Retries=3 update &&
      apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 --no-install-recommends install "$@"; then return 0; fi
    sleep $((try * 5))
  done
  return 1
}
# bounded SECONDS COMMAND...: until it works, at most so long.
bounded() {
  end=$(($(cut -d. -f1 /proc/uptime) + $1)); shift
  until "$@" >/dev/null 2>&1; do
    if [ "$(cut -d. -f1 /proc/uptime)" -ge $end ]; then return 1; fi
    sleep 1
  done
}
gpus() {
  for device in /sys/bus/pci/devices/*; do
    if [ "$(cat "$device/vendor")" = 0x10de ]; then
      case $(cat "$device/class") in 0x0300* | 0x0302*) echo "${device##*/}" ;; esac
    fi
  done | wc -l
}
toolkit() {
  install ca-certificates curl
  step="fetching the NVIDIA container toolkit"
  from=https://nvidia.github.io/libnvidia-container
  key=/etc/apt/keyrings/nvidia-container-toolkit.asc
  mkdir -p -m 755 /etc/apt/keyrings
  curl -fsS --retry 6 --retry-all-errors -o $key $from/gpgkey
  echo "deb [signed-by=$key] $from/stable/deb/\$(ARCH) /" >/etc/apt/sources.list.d/nvidia-container-toolkit.list
  install nvidia-container-toolkit
}
runs_on_gpus() { docker info --format '{{json .Runtimes}}' | grep -q '"nvidia"'; }

mkdir -p $state
rm -f $state/failed
systemctl daemon-reload
if [ -e /etc/cloudlayer/expiry ]; then
  step="starting the expiry"
  systemctl enable --now cloudlayer-expiry.timer
fi

if ! command -v iptables >/dev/null; then install iptables; fi
step="closing the firewall"
systemctl enable --now cloudlayer-firewall.service

if ! command -v dockerd >/dev/null; then install docker.io; fi
step="starting Docker"
systemctl enable --now docker.service
bounded 120 docker version

count=$(gpus)
if [ "$count" -gt 0 ]; then
  step="waiting for NVIDIA's driver: the image has none, or it did not load; use an image with the driver"
  bounded 900 nvidia-smi
  if ! command -v nvidia-ctk >/dev/null; then toolkit; fi
  step="giving Docker the GPUs"
  if ! runs_on_gpus; then
    nvidia-ctk runtime configure --runtime=docker
    systemctl restart docker.service
    bounded 60 runs_on_gpus
  fi
fi

echo "docker=$(docker version --format '{{.Server.Version}}') gpus=$count" >$state/ready.new
mv $state/ready.new $state/ready
