"""A version that an update replaces: the calls that wait for it get a place of the one that takes its place."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from cloudlayer.fleet.routes import ReplicaRoute, router_token
from cloudlayer.gateway.dispatcher import Dispatcher
from cloudlayer.gateway.envelope import CallError
from cloudlayer.gateway.versions import Ticket
from cloudlayer.runtime.router.messages import Grant, Hello, Leave, Message, Refusal, Want, decode, encode

from .machines import MACHINE, Machine, on
from .stand_ins import KEY, PEPPER, Gateway, Received, Replica, Worker, eventually, http, snapshot, version

OLD, NEW = "nlp/Echo/1.0.0", "nlp/Echo/1.1.0"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.close()


def call(gateway: Gateway, value: object, reference: str = "nlp/Echo") -> Any:
    answer = requests.post(f"{gateway.url}/v1/algo/{reference}", json=value, headers={"Authorization": KEY}, timeout=20)
    return answer.json()


def waiting(gateway: Gateway, count: int, key: str = OLD) -> None:
    eventually(lambda: count == sum(each.waiting for each in gateway.controller.loads()[-1].versions if each.key == key))


def test_no_call_is_lost_when_its_version_is_replaced_while_it_waits(gateway: Gateway, replica: Callable[..., Replica]) -> None:
    gateway.show(version(OLD), version(NEW, candidate=True))
    with ThreadPoolExecutor(9) as pool:
        answers = []
        for number in range(8):
            answers.append(pool.submit(call, gateway, number))
            waiting(gateway, number + 1)
        exact = pool.submit(call, gateway, 9, OLD)
        waiting(gateway, 9)
        gateway.show(version(NEW))
        waiting(gateway, 8, NEW)
        assert exact.result()["error"]["code"] == 1001, "it asked for that version and no other"
        one = replica(lambda request: http(request.body))
        gateway.show(version(NEW, one.route, concurrency=1))
        assert [answer.result()["result"] for answer in answers] == list(range(8))
    assert [request.body for request in one.received] == [b"%d" % number for number in range(8)]


def test_calls_in_any_order_of_snapshots_end_with_a_result(gateway: Gateway, replica: Callable[..., Replica]) -> None:
    def slow(request: Received) -> bytes:
        time.sleep(0.002)
        return http(request.body)

    routes = [replica(slow).route for _ in range(2)]
    gateway.show(version(OLD, routes[0], concurrency=1))
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(call, gateway, number) for number in range(200)]
        turn = 0
        while not all(answer.done() for answer in answers):
            turn += 1
            gateway.show(version((OLD, NEW)[turn % 2], routes[turn % 2], concurrency=1))
    assert [answer.result().get("result") for answer in answers] == list(range(200))


def on_a_dispatcher(work: Callable[[Dispatcher], Coroutine[None, None, None]]) -> None:
    async def main() -> None:
        dispatcher = Dispatcher()
        dispatcher.apply(snapshot(1, version(OLD, ReplicaRoute("old", "unix:/old"), concurrency=1)))
        async with asyncio.timeout(5):
            await work(dispatcher)

    asyncio.run(main())


def soon() -> float:
    return asyncio.get_running_loop().time() + 5


@pytest.mark.parametrize(("reference", "served"), [("nlp/Echo", True), ("nlp/Echo/1.*", True), (OLD, False)])
def test_a_call_that_reached_no_replica_is_tried_on_the_version_that_came_since(reference: str, served: bool) -> None:
    async def work(dispatcher: Dispatcher) -> None:
        ticket = Ticket(reference, dispatcher.find(reference))
        first = await dispatcher.place(ticket, soon())
        dispatcher.apply(snapshot(2, version(NEW, ReplicaRoute("new", "unix:/new"))))
        dispatcher.lose(ticket.state, first)
        dispatcher.release(ticket.state, first)
        try:
            second = await dispatcher.place(ticket, soon(), again=True)
        except CallError as error:
            assert (served, error.code) == (False, 1001)
        else:
            assert (served, second.id, ticket.state.key) == (True, "new", NEW)

    on_a_dispatcher(work)


def test_a_call_that_has_moved_can_be_given_up_and_has_its_deadline() -> None:
    async def work(dispatcher: Dispatcher) -> None:
        state = dispatcher.find(OLD)
        running = await dispatcher.place(Ticket(OLD, state), soon())
        tickets = [Ticket("nlp/Echo", state) for _ in range(2)]
        now = asyncio.get_running_loop().time()
        waits = [asyncio.ensure_future(dispatcher.place(ticket, now + 0.05)) for ticket in tickets]
        await asyncio.sleep(0)
        dispatcher.apply(snapshot(2, version(NEW)))
        tickets[0].abandon()
        late, gone = await asyncio.gather(waits[1], waits[0], return_exceptions=True)
        assert isinstance(late, CallError)
        assert isinstance(gone, CallError)
        assert (late.error_type, NEW in late.message, gone.status) == ("TimeoutError", True, 503)
        dispatcher.release(state, running)
        assert dispatcher.state(OLD) is None
        assert not dispatcher.find(NEW).busy

    on_a_dispatcher(work)


def test_a_call_that_waits_at_its_router_gets_a_place_of_the_version_that_came_since(
    machine: Machine, worker: Callable[..., Worker]
) -> None:
    machine.show(version(OLD))
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(machine.call, b"%d" % number) for number in range(3)]
        waiting(machine.gateway, 3)
        machine.show(version(NEW, on(MACHINE, worker().route)))
        assert [answer.result()["result"] for answer in answers] == [0, 1, 2]
    eventually(lambda: machine.in_flight(NEW) == 0)
    assert machine.call(b"4")["result"] == 4
    eventually(
        lambda: machine.metric('cloudlayer_gateway_calls_total{function="nlp/Echo",outcome="success",version="1.1.0"}') == 4
    )


class RouterLine:
    """What a router sends, by hand."""

    def __init__(self, machine: Machine) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(5)
        self._socket.connect(str(machine.folder / "routers.sock"))
        self._lines = self._socket.makefile("rb")
        self.send(Hello(MACHINE, router_token(bytes.fromhex(PEPPER), MACHINE), "by hand"))

    def send(self, *messages: Message) -> None:
        self._socket.sendall(b"".join(encode(each) for each in messages))

    def hears(self, *kinds: type[Message]) -> Message:
        while not isinstance(message := decode(self._lines.readline()), kinds):
            pass
        return message

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


@pytest.fixture
def line(machine: Machine) -> Iterator[RouterLine]:
    machine.show(version(NEW, on(MACHINE, ReplicaRoute("one", "unix:/one")), concurrency=1))
    made = RouterLine(machine)
    yield made
    made.close()


def test_a_router_that_has_not_heard_of_an_update_yet_gets_a_place_all_the_same(line: RouterLine) -> None:
    line.send(Want(1, OLD, "nlp/Echo", 5.0))
    grant = line.hears(Grant, Refusal)
    assert isinstance(grant, Grant)
    assert (grant.key, grant.replica, grant.entry.timeout) == (NEW, "one", 20.0)
    line.send(Want(2, OLD, OLD, 5.0))
    refusal = line.hears(Grant, Refusal)
    assert isinstance(refusal, Refusal)
    assert refusal.code == 1001


def test_a_place_that_is_given_up_in_the_same_breath_is_not_waited_for(machine: Machine, line: RouterLine) -> None:
    line.send(Want(1, NEW, "nlp/Echo", 5.0))
    line.hears(Grant)
    line.send(Want(2, NEW, "nlp/Echo", 60.0), Leave(2))
    refusal = line.hears(Refusal)
    assert isinstance(refusal, Refusal)
    assert refusal.number == 2
    waiting(machine.gateway, 0, NEW)
