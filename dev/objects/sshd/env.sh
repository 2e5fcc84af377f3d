# shellcheck shell=bash disable=SC2034
# Settings of up.sh and down.sh. Sourced, not run.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SSHD_HOME=${SSHD_HOME:-/var/tmp/cloudlayer-sshd}
SSHD_PORT=${SSHD_PORT:-28022}
mkdir -p -m 700 "$SSHD_HOME" "$SSHD_HOME/run"
SSHD_HOME=$(cd "$SSHD_HOME" && pwd) RUN=$SSHD_HOME/run
. "$HERE/../lib.sh"
