#!/bin/bash
# image.sh: builds, once, the file tree of a bare Debian with systemd, cloud-init and OpenSSH and without Docker, as a cloud's image
# is, and prints its folder. Docker's packages lie in it as a repository of its own, so that a machine installs them without a
# network. Needs root, debootstrap, and Debian's mirror.
set -euo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"
H=${CLOUDLAYER_BOOT_HOME:-/var/tmp/cloudlayer-boot}
SUITE=${CLOUDLAYER_BOOT_SUITE:-bookworm}
MIRROR=${CLOUDLAYER_BOOT_MIRROR:-http://deb.debian.org/debian}
packages="systemd-sysv dbus udev cloud-init openssh-server sudo iproute2 ca-certificates"
later="docker.io iptables"

die() { echo "image.sh: $*" >&2; exit 1; }
((EUID == 0)) || die "must run as root"
key=$({ echo "$SUITE $MIRROR"; cat "$0"; } | sha256sum | cut -c1-16)
tree=$H/$key
mkdir -p -m 700 "$H"
exec 9>"$H/lock"; flock -w 900 9 || die "another build holds $H/lock"
if [[ -d $tree ]]; then echo "$tree"; exit; fi

work=$(mktemp -d "$H/build.XXXXXX"); root=$work/root
trap 'umount "$root/proc" 2>/dev/null; rm -rf --one-file-system "$work"' EXIT
inside() { chroot "$root" "$@"; }
get() { inside apt-get -qq -y -o APT::Install-Recommends=false -o DPkg::Options::=--force-unsafe-io "$@"; }

system() {  # what a cloud's image has
  debootstrap --variant=minbase "$SUITE" "$root" "$MIRROR"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"; chmod +x "$root/usr/sbin/policy-rc.d"  # nothing is started here
  mount --bind /proc "$root/proc"
  echo "deb $MIRROR $SUITE main" >"$root/etc/apt/sources.list"
  get update
  get install $packages
  rm -f "$root/usr/sbin/policy-rc.d" "$root"/var/cache/apt/archives/*.deb
}
repository() {  # what it lacks for Docker
  local there=$root/var/local/packages file
  mkdir -p "$there"
  get --download-only install $later
  mv "$root"/var/cache/apt/archives/*.deb "$there"
  for file in "$there"/*.deb; do
    dpkg-deb -f "$file"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "${file##*/}" "$(stat -c %s "$file")" "$(sha256sum <"$file" | cut -d' ' -f1)"
  done >"$there/Packages"
  echo "deb [trusted=yes] file:/var/local/packages ./" >"$root/etc/apt/sources.list"
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*
}
settled() {  # nothing of one machine in it
  umount "$root/proc"
  : >"$root/etc/machine-id"
  rm -f "$root"/etc/ssh/ssh_host_*
  inside systemctl -q enable systemd-networkd
  printf 'datasource_list: [NoCloud]\nnetwork: {config: disabled}\nlocale: false\n' >"$root/etc/cloud/cloud.cfg.d/90-boot.cfg"
  rm -rf "$root"/usr/share/{doc,man,locale}/*
}
{ system && repository && settled; } >"$H/log" 2>&1 </dev/null || die "no image could be made, see $H/log"
mv "$root" "$tree"
echo "$tree"
