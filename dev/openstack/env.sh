# Shared settings of up.sh and down.sh. Sourced, not run.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Nothing is written beside the scripts: a home of its own holds the venv, the golden copy and the state.
OPENSTACK_HOME=${OPENSTACK_HOME:-/var/tmp/cloudlayer-openstack}
mkdir -p "$OPENSTACK_HOME"
VENV=$OPENSTACK_HOME/venv
STATE=$OPENSTACK_HOME/state          # everything one run writes
GOLDEN=$OPENSTACK_HOME/golden        # a seeded STATE to start from (made by the first run)
ETC=$STATE/etc RUN=$STATE/run LOG=$STATE/log PIDS=$STATE/pids
SOCK=$RUN/mysql.sock
PW=ci
P_KEYSTONE=25000 P_PLACEMENT=28778 P_GLANCE=29292 P_NOVA=28774 P_NEUTRON=29696
P_CINDER=28776 P_HEAT=28004 P_OCTAVIA=29876 P_RABBIT=25682 P_RABBIT_DIST=25683 P_EPMD=24369
KS=http://127.0.0.1:$P_KEYSTONE/v3
RABBIT=rabbit://guest:guest@127.0.0.1:$P_RABBIT/
# oslo.config looks in ~/.<project>/ first, so HOME=$ETC gives every service its file
export HOME=$ETC PYTHONPATH=$HERE/plugins PATH=$VENV/bin:/usr/sbin:/usr/bin:/bin
export OS_KEYSTONE_CONFIG_DIR=$ETC/.keystone OS_KEYSTONE_CONFIG_FILES=keystone.conf
export OS_PLACEMENT_CONFIG_DIR=$ETC/.placement OS_GLANCE_CONFIG_DIR=$ETC/.glance
export OS_NOVA_CONFIG_DIR=$ETC/.nova OS_NEUTRON_CONFIG_DIR=$ETC/.neutron OS_NEUTRON_CONFIG_FILES=neutron.conf
export PYTHONWARNINGS=ignore OS_CLIENT_CONFIG_FILE=$ETC/clouds.yaml
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
