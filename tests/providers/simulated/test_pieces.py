"""What a broken-off create leaves behind is told, taken up again by the same create, and never deleted under a thing."""

from uuid import uuid4

import pytest

from cloudlayer.errors import Conflict, PermissionDenied, QuotaError, TransientError
from cloudlayer.fleet.kinds import Shares
from cloudlayer.labels import TOKEN
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.resources import InstanceSpec, LoadBalancerSpec, ScalingGroupSpec, ShareSpec
from cloudlayer.units import GIB

RUN = {"run": "one"}
GRACE = 300
OPEN = InstanceSpec.model_validate(
    {"machine_type": "cpu-2", "labels": RUN, "open_ports": [{"port": 443, "source": "192.0.2.0/24"}]}
)
GROUP = ScalingGroupSpec(name="web", template=OPEN, min=1, max=1, labels=RUN)
BALANCER = LoadBalancerSpec.model_validate(
    {"name": "front", "listeners": [{"port": 80, "protocol": "tcp", "target_port": 80}], "labels": RUN}
)
MAKING = {
    "compute": (OPEN, "create", {"firewall": 1}),
    "autoscaling": (GROUP, "group.create", {"template": 1, "firewall": 1}),
    "load_balancing": (BALANCER, "balancer.create", {"listener_set": 1}),
    "shares": (ShareSpec(name="common", size=GIB, labels=RUN), "share.create", {"share_account": 1}),
}


@pytest.fixture(params=[True, False], ids=["native", "by labels"])
def world(request):
    return World(native_tokens=request.param)


@pytest.fixture
def provider(world):
    return world.connect()


@pytest.fixture(params=MAKING)
def made(request, provider):
    spec, call, pieces = MAKING[request.param]
    interface = Shares(provider.storage) if request.param == "shares" else getattr(provider, request.param)
    return interface, spec, call, pieces


def test_a_create_that_breaks_off_leaves_pieces_that_the_same_create_takes_up(world, provider, made):
    interface, spec, call, pieces = made
    token = str(uuid4())
    world.inject(Fault("refused", call=call, times=None))
    with pytest.raises(TransientError):
        interface.create(spec, token=token)
    assert world.holdings(RUN) == pieces
    world.heal()
    interface.create(spec, token=token)
    assert {kind: count for kind, count in world.holdings(RUN).items() if kind in pieces} == pieces
    world.advance(GRACE)
    assert provider.leftovers(RUN) == []


def test_pieces_are_told_once_no_create_can_be_on_its_way_to_use_them(world, provider, made):
    interface, spec, call, pieces = made
    token = str(uuid4())
    world.inject(Fault("refused", call=call, times=None))
    with pytest.raises(TransientError):
        interface.create(spec, token=token)
    assert provider.leftovers(RUN) == []
    world.advance(GRACE)
    world.heal()
    found = provider.leftovers(RUN)
    assert {leftover.kind: 1 for leftover in found} == pieces
    assert {leftover.labels[TOKEN] for leftover in found} == {token}
    for leftover in found:
        provider.delete_leftover(leftover)
        provider.delete_leftover(leftover)
    assert world.holdings(RUN) == {}


def test_a_lost_answer_about_a_piece_makes_it_once(world, made):
    interface, spec, _, pieces = made
    for kind in pieces:
        world.inject(Fault("lost", call=f"{kind}.create"))
    interface.create(spec, token=str(uuid4()))
    assert {kind: count for kind, count in world.holdings(RUN).items() if kind in pieces} == pieces


def test_a_create_that_is_refused_for_good_leaves_nothing(world, made):
    interface, spec, call, _ = made
    world.inject(Fault("refused", call=call, error="denied"))
    with pytest.raises(PermissionDenied):
        interface.create(spec, token=str(uuid4()))
    assert world.holdings(RUN) == {}


def test_a_piece_that_is_in_use_after_all_stays(world, provider, made):
    interface, spec, call, pieces = made
    token = str(uuid4())
    world.inject(Fault("refused", call=call, times=None))
    with pytest.raises(TransientError):
        interface.create(spec, token=token)
    world.advance(GRACE)
    world.heal()
    found = provider.leftovers(RUN)
    interface.create(spec, token=token)
    for leftover in found:
        provider.delete_leftover(leftover)
    assert {kind: count for kind, count in world.holdings(RUN).items() if kind in pieces} == pieces


def test_a_piece_that_is_deleted_under_a_create_is_made_again(world, provider, made):
    interface, spec, call, pieces = made
    token = str(uuid4())
    world.inject(Fault("refused", call=call, times=None))
    with pytest.raises(TransientError):
        interface.create(spec, token=token)
    world.advance(GRACE)
    world.heal()
    for leftover in provider.leftovers(RUN):
        provider.delete_leftover(leftover)
    interface.create(spec, token=token)
    assert {kind: count for kind, count in world.holdings(RUN).items() if kind in pieces} == pieces


def test_another_spec_under_a_token_that_made_pieces_is_a_conflict(world, made):
    interface, spec, call, pieces = made
    token = str(uuid4())
    world.inject(Fault("refused", call=call, times=None))
    with pytest.raises(TransientError):
        interface.create(spec, token=token)
    world.heal()
    with pytest.raises(Conflict):
        interface.create(spec.model_copy(update={"labels": {**RUN, "more": "so"}}), token=token)
    assert world.holdings(RUN) == pieces


def test_nothing_is_left_of_what_is_deleted_and_its_token_is_spent(world, made):
    interface, spec, _, _ = made
    token = str(uuid4())
    thing = interface.create(spec, token=token)
    interface.delete([thing.id] if isinstance(spec, InstanceSpec) else thing.id)
    assert world.holdings(RUN) == {}
    with pytest.raises(Conflict):
        interface.create(spec, token=token)
    assert world.holdings(RUN) == {}


def test_a_delete_that_breaks_off_before_the_pieces_goes_on(world, made):
    interface, spec, _, pieces = made
    thing = interface.create(spec, token=str(uuid4()))
    doomed = [thing.id] if isinstance(spec, InstanceSpec) else thing.id
    for kind in pieces:
        world.inject(Fault("refused", call=f"{kind}.delete", times=None))
    with pytest.raises(TransientError):
        interface.delete(doomed)
    assert world.holdings(RUN) == pieces
    world.heal()
    interface.delete(doomed)
    assert world.holdings(RUN) == {}


def test_a_batch_has_a_firewall_for_each_that_opens_ports_and_that_is_launched(world, provider):
    world.set_quota("instances", 2)
    closed = OPEN.model_copy(update={"open_ports": ()})
    answers = provider.compute.create_batch([OPEN, closed, OPEN], token=str(uuid4()))
    assert isinstance(answers[2], QuotaError)
    assert world.holdings(RUN) == {"instance": 2, "firewall": 1}


def test_a_firewall_stays_while_a_sibling_is_there():
    world = World()
    group = world.connect().autoscaling.create(GROUP.model_copy(update={"desired": 1}), token=str(uuid4()))
    world.connect().compute.delete([group.members[0].instance])
    assert world.holdings(RUN)["firewall"] == 1


def test_a_world_leaves_one_piece_of_each_kind_when_it_is_asked(world, provider):
    world.set(page_size=1)
    assert world.leave_pieces(RUN) == 4
    kinds = sorted(leftover.kind for leftover in provider.leftovers(RUN))
    assert kinds == ["firewall", "listener_set", "share_account", "template"]
    assert provider.leftovers({"run": "two"}) == []
    assert world.connect("sim-west").leftovers(RUN) == []
