#!/usr/bin/env bash
# OpenSSH's sshd with SFTP alone, on loopback, for the user who starts it; stdout is export lines. See ../README.md.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
lock "$SSHD_HOME/.lock"
PATH=$PATH:/usr/sbin:/sbin

exports() {
  cat <<OUT
export SSHD_HOST=127.0.0.1
export SSHD_PORT=$SSHD_PORT
export SSHD_USER=$(id -un)
export SSHD_KEY=$SSHD_HOME/keys/id
export SSHD_HOST_KEY=$SSHD_HOME/keys/host_key.pub
export SSHD_KNOWN_HOSTS=$SSHD_HOME/keys/known_hosts
export SSHD_DATA=$SSHD_HOME/data
OUT
}

ready() {
  local line
  { exec 3<>"/dev/tcp/127.0.0.1/$SSHD_PORT"; } 2>/dev/null || return 1
  read -r -t 5 line <&3 || line=
  exec 3>&-
  [[ $line == SSH-* ]]
}

# made once; known_hosts names the port, as ssh writes it for one that is not 22
keys() {
  local name
  mkdir -p -m 700 "$SSHD_HOME/keys"
  for name in host_key id; do
    [ -s "$SSHD_HOME/keys/$name.pub" ] || ssh-keygen -q -t ed25519 -N '' -C cloudlayer -f "$SSHD_HOME/keys/$name"
  done
  echo "[127.0.0.1]:$SSHD_PORT $(cut -d' ' -f1,2 "$SSHD_HOME/keys/host_key.pub")" >"$SSHD_HOME/keys/known_hosts"
}

configure() {
  cat >"$SSHD_HOME/sshd_config" <<END
ListenAddress 127.0.0.1
Port $SSHD_PORT
PidFile none
HostKey $SSHD_HOME/keys/host_key
AuthorizedKeysFile $SSHD_HOME/keys/id.pub
AllowUsers $(id -un)
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
# the home stands in a folder that others may write to, which is no concern of a test's key
StrictModes no
MaxStartups 200
MaxSessions 200
Subsystem sftp internal-sftp
ForceCommand internal-sftp
DisableForwarding yes
END
}

if alive sshd && ready; then log "sshd is up already"; exports; exit 0; fi
command -v sshd >/dev/null || die "sshd is not installed: apt-get install openssh-server"
stop sshd
ports_free "$SSHD_PORT"
keys
configure
mkdir -p "$SSHD_HOME/data"
if [ "$(id -u)" = 0 ]; then mkdir -p /run/sshd; fi   # its folder for the separation of privileges
trap 'if [ $? -ne 0 ]; then stop sshd || true; fi' EXIT
start sshd "$(command -v sshd)" -D -e -f "$SSHD_HOME/sshd_config"
wait_for "${SSHD_WAIT:-20}" ready sshd
exports
