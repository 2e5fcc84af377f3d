#!/bin/bash
# install.sh: the Debian packages that a real boot needs; does nothing where they are all there.
set -euo pipefail
packages="debootstrap openssh-client systemd-container"
((EUID == 0)) || { echo "install.sh: must run as root" >&2; exit 1; }
missing=
for p in $packages; do
  [[ $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) == "install ok installed" ]] || missing+=" $p"
done
[[ -n $missing ]] || exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get -qq -o DPkg::Lock::Timeout=300 update
apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends install $missing >/dev/null
