from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloudlayer.fleet.routes import ReplicaRoute
from cloudlayer.gateway.balancer import Balancer, Replica

from .stand_ins import version


def balancer(*replicas: str, **changes: int) -> Balancer[str]:
    made: Balancer[str] = Balancer()
    made.update(version("a/F/1.0.0", *(ReplicaRoute(name, f"unix:/{name}") for name in replicas), **changes))
    return made


def test_calls_go_to_the_least_loaded_replica() -> None:
    places = balancer("one", "two", "three", concurrency=2)
    taken = [place.id for _ in range(6) if (place := places.take())]
    assert sorted(taken[:3]) == ["one", "three", "two"]
    assert sorted(taken[3:]) == ["one", "three", "two"]
    assert places.take() is None


def test_equals_take_turns_so_that_none_stays_cold() -> None:
    places = balancer("one", "two")
    taken = []
    for _ in range(4):
        place = places.take()
        assert place is not None
        taken.append(place.id)
        places.release(place)
    assert taken == ["one", "two", "one", "two"]


def test_a_full_queue_takes_no_more_but_a_call_that_had_a_place_goes_first() -> None:
    places = balancer(concurrency=1, maximum=1)
    assert all(places.enqueue(f"call {number}") for number in range(100))
    assert not places.enqueue("one too many")
    assert places.enqueue("again", first=True)
    places.update(version("a/F/1.0.0", ReplicaRoute("one", "unix:/one"), concurrency=2))
    assert [waiter for waiter, _ in places.grants()] == ["again", "call 0"]


def test_a_queue_is_ten_calls_for_every_place_that_there_may_be() -> None:
    assert balancer(concurrency=8, maximum=20).longest_queue == 1600


def test_a_lost_replica_takes_no_call_until_a_newer_snapshot_has_it() -> None:
    places = balancer("one")
    places.lose("one")
    assert places.take() is None
    assert not places.usable
    places.update(version("a/F/1.0.0", ReplicaRoute("one", "unix:/one")))
    assert places.take() is not None


def test_a_replica_that_ended_takes_no_call_even_if_a_late_snapshot_has_it() -> None:
    places = balancer()
    places.update(version("a/F/1.0.0", ReplicaRoute("one", "unix:/one")), gone={"one"})
    assert places.take() is None


def test_a_replica_that_is_no_longer_routed_is_known_until_its_calls_have_ended() -> None:
    places = balancer("one")
    place = places.take()
    assert place is not None
    places.update(version("a/F/1.0.0"))
    assert places.draining == ["one"]
    places.release(place)
    assert places.draining == []
    assert not places.replicas


def spread(*machines: str, **changes: int) -> Balancer[str]:
    """A replica on each of these machines, which have routers."""
    made: Balancer[str] = Balancer()
    routes = (ReplicaRoute(f"on {name}", f"unix:/{name}", name, f"unix:/{name}") for name in machines)
    made.update(version("a/F/1.0.0", *routes, **changes))
    return made


def test_a_call_from_a_machine_has_its_place_there_and_elsewhere_when_that_is_full() -> None:
    places = spread("a", "b", concurrency=2)
    taken = [place.id for _ in range(4) if (place := places.take("b"))]
    assert taken == ["on b", "on b", "on a", "on a"]
    assert places.take("b") is None


def test_a_waiter_from_a_machine_prefers_it_and_yet_waits_its_turn() -> None:
    places = spread(concurrency=1)
    assert places.enqueue("first")
    assert places.enqueue("from b", machine="b")
    routes = (ReplicaRoute(f"on {name}", "unix:/x", name, "unix:/x") for name in "ab")
    places.update(version("a/F/1.0.0", *routes, concurrency=1))
    assert [(waiter, replica.id) for waiter, replica in places.grants()] == [("first", "on a"), ("from b", "on b")]


def test_a_machine_whose_router_was_not_heard_yet_takes_no_call() -> None:
    unheard = {"a"}
    places: Balancer[str] = Balancer(unheard)
    places.update(version("a/F/1.0.0", ReplicaRoute("on a", "unix:/a", "a", "unix:/a")))
    assert places.take() is None
    assert places.usable, "it is not that there is none"
    unheard.clear()
    assert places.take() is not None


def test_a_call_that_runs_already_counts_whatever_the_limit_and_whatever_the_snapshot_has() -> None:
    places = balancer("one", concurrency=1)
    assert [places.adopt("one").in_flight for _ in range(2)] == [1, 2]
    gone = places.adopt("gone")
    assert places.take() is None
    assert "gone" in places.draining
    places.release(gone)
    assert "gone" not in places.replicas


class Places(RuleBasedStateMachine):
    """Any order of calls, ends, losses and snapshots."""

    def __init__(self) -> None:
        super().__init__()
        self.balancer: Balancer[int] = Balancer()
        self.route = version("a/F/1.0.0")
        self.running: list[Replica] = []
        self.queue: list[int] = []
        self.calls = 0

    def settle(self) -> None:
        for waiter, replica in self.balancer.grants():
            assert waiter == self.queue.pop(0), "not first come, first served"
            self.running.append(replica)

    @rule(names=st.sets(st.sampled_from("abcd")), concurrency=st.integers(1, 3))
    def snapshot(self, names: set[str], concurrency: int) -> None:
        replicas = (ReplicaRoute(name, f"unix:/{name}") for name in sorted(names))
        self.route = version("a/F/1.0.0", *replicas, concurrency=concurrency)
        self.balancer.update(self.route)
        self.settle()

    @rule()
    def call(self) -> None:
        self.calls += 1
        replica = self.balancer.take()
        if replica is not None:
            assert not self.queue, "it overtook those who wait"
            assert replica.in_flight <= self.route.concurrency
            assert replica.id in {each.id for each in self.route.replicas}
            self.running.append(replica)
        elif self.balancer.enqueue(self.calls):
            self.queue.append(self.calls)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.running) - 1))
        self.balancer.release(self.running.pop(index))
        self.settle()

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def broken_and_tried_again(self, data: st.DataObject) -> None:
        replica = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        self.balancer.lose(replica.id)
        self.balancer.release(replica)
        self.calls += 1
        assert self.balancer.enqueue(self.calls, first=True)
        self.queue.insert(0, self.calls)
        self.settle()

    @precondition(lambda self: self.queue)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        waiter = self.queue.pop(data.draw(st.integers(0, len(self.queue) - 1)))
        self.balancer.leave(waiter)
        self.settle()

    @invariant()
    def every_call_has_one_place(self) -> None:
        assert self.balancer.in_flight == len(self.running)
        for replica in set(self.running):
            assert replica.in_flight == self.running.count(replica)

    @invariant()
    def nobody_waits_beside_a_free_place(self) -> None:
        if self.queue:
            usable = [each for each in self.balancer.replicas.values() if each.routed and not each.lost]
            assert all(each.in_flight >= self.balancer.limit for each in usable)

    @invariant()
    def nothing_is_kept_of_replicas_that_are_gone(self) -> None:
        routed = {each.id for each in self.route.replicas}
        assert set(self.balancer.replicas) <= routed | {replica.id for replica in self.running}


TestPlaces = Places.TestCase
