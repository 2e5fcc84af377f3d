#!/bin/bash
# install.sh: the Debian packages that the other scripts need; does nothing where they are all there.
set -euo pipefail
packages="docker.io docker-registry iproute2 iptables openssh-client openssh-server sudo util-linux"
((EUID == 0)) || { echo "install.sh: must run as root" >&2; exit 1; }
missing=
for p in $packages; do
  [[ $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) == "install ok installed" ]] || missing+=" $p"
done
if [[ -n $missing ]]; then
  # Their daemons are not to start by themselves.
  if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq -o DPkg::Lock::Timeout=300 update
  apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends install $missing >/dev/null
fi
export PATH="$PATH:/usr/sbin:/sbin"
for c in dockerd docker docker-registry containerd runc docker-init ip iptables ssh sshd sudo unshare flock; do
  command -v $c >/dev/null || { echo "install.sh: $c is still missing" >&2; exit 1; }
done
