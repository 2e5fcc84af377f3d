"""What Octavia does in its own way, and the driver hides."""

from uuid import uuid4

import pytest

from cloudlayer.errors import InvalidSpec, TransientError, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import HealthCheck, Listener, LoadBalancerSpec, TargetSpec

pytestmark = pytest.mark.openstack

LISTENERS = (Listener(port=80, protocol="http", target_port=8080), Listener(port=81, protocol="tcp", target_port=8081))
FIRST, SECOND = TargetSpec(address="10.0.0.201"), TargetSpec(address="10.0.0.202")


@pytest.fixture
def balancers(cloud):
    return cloud.load_balancing


@pytest.fixture
def spec(cloud):
    """A balancer with two listeners and a target; deleted after the test."""
    label = {"balancer-tests": uuid4().hex}
    yield LoadBalancerSpec(name="web", listeners=LISTENERS, targets=(FIRST,), drain=6.0, labels=label)
    for balancer in cloud.load_balancing.list(label):
        cloud.load_balancing.delete(balancer.id)
        cloud.load_balancing.wait(balancer, "deleted", timeout=60)


def made(balancers, spec):
    return balancers.wait(balancers.create(spec, token=str(uuid4())), "active", timeout=60)


def test_a_balancer_is_made_whole_by_one_call(real, balancers, spec):
    """So that a broken connection can leave nothing half made."""
    before = len(real.proxy.calls)
    check = HealthCheck(protocol="http", path="/up", port=9000)
    balancer = made(balancers, spec.model_copy(update={"health_check": check}))
    changes = [call.path for call in real.proxy.calls[before:] if call.service == "load-balancer" and call.method != "GET"]
    assert [path.rsplit("/", 1)[1] for path in changes] == ["loadbalancers"]
    octavia = real.direct.load_balancer
    monitors = [monitor for monitor in octavia.health_monitors() if monitor.url_path == "/up"]
    assert len(monitors) == 2
    pools = list(octavia.pools(loadbalancer_id=balancer.id))
    assert {member.monitor_port for pool in pools for member in octavia.members(pool)} == {9000}
    assert [(one.port, one.protocol, one.target_port) for one in balancer.listeners] == [(80, "http", 8080), (81, "tcp", 8081)]


def test_a_change_waits_until_octavia_takes_it(balancers, spec):
    """It takes none while it makes the balancer, nor while it makes the change before."""
    balancer = balancers.create(spec, token=str(uuid4()))
    balancers.register(balancer.id, [SECOND])
    balancers.register(balancer.id, [TargetSpec(address="10.0.0.203")])
    found = {health.target for health in balancers.health(balancer.id)}
    assert found == {"10.0.0.201", "10.0.0.202", "10.0.0.203"}


def test_a_drain_goes_on_where_an_earlier_call_stopped(balancers, spec):
    """It is written down with the target when its drain began."""
    balancer = made(balancers, spec)
    with pytest.raises(TransientError):
        balancers.deregister(balancer.id, [FIRST], deadline=Deadline.after(5))
    assert [health.state for health in balancers.health(balancer.id)] == ["draining"]
    balancers.deregister(balancer.id, [FIRST])
    assert balancers.health(balancer.id) == []


def test_a_public_balancer_is_in_the_external_network(real, balancers, spec):
    """And reaches its targets through the private one."""
    balancer = made(balancers, spec.model_copy(update={"public": True}))
    external = next(real.direct.network.networks(is_router_external=True))
    private = real.direct.network.find_network("private")
    assert real.direct.load_balancer.get_load_balancer(balancer.id).vip_network_id == external.id
    balancers.register(balancer.id, [SECOND])
    pools = real.direct.load_balancer.pools(loadbalancer_id=balancer.id)
    members = [member for pool in pools for member in real.direct.load_balancer.members(pool)]
    assert {member.subnet_id for member in members} == set(private.subnet_ids)
    assert len(members) == 4


def test_what_octavia_cannot_do_is_told_before_anything_is_made(balancers, spec):
    secure = Listener(port=443, protocol="https", target_port=8443, certificate="a-secret")
    with pytest.raises(Unsupported, match="key-manager"):
        balancers.create(spec.model_copy(update={"listeners": (secure,)}), token=str(uuid4()))
    with pytest.raises(InvalidSpec, match="1 to 10"):
        balancers.create(spec.model_copy(update={"health_check": HealthCheck(healthy_after=11)}), token=str(uuid4()))
    with pytest.raises(InvalidSpec, match="IP address"):
        balancers.create(spec.model_copy(update={"targets": (TargetSpec(address="example"),)}), token=str(uuid4()))
    assert balancers.list(spec.labels) == []
