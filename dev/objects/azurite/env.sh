# shellcheck shell=bash disable=SC2034
# Where Azurite lives; sourced by up.sh and down.sh.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
AZURITE_HOME=${AZURITE_HOME:-/var/tmp/cloudlayer-azurite}
AZURITE_PORT=${AZURITE_PORT:-28100}
AZURITE_WAIT=${AZURITE_WAIT:-60}
RUN=$AZURITE_HOME/run
. "$HERE/../lib.sh"
mkdir -p "$RUN"
