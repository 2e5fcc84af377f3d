"""Where replicas of another machine serve: what its answers mean, and who is led where. No machine is needed."""

import threading

import pytest

from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.docker.addresses import Addresses

INNER, OTHER = "http://172.18.0.2:8080", "http://172.18.0.3:8080"


class Host:
    """Another machine that answers as the test says."""

    is_here = False

    def __init__(self):
        self.answer, self.led, self.on_forward, self.on_unforward = b"", set(), lambda: None, lambda: None

    def run(self, command, *, deadline):
        return self.answer

    def forward(self, address):
        self.on_forward()
        self.led.add(address)
        return f"unix:/{address}"

    def unforward(self, address):
        self.led.discard(address)
        self.on_unforward()


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def addresses(host):
    return Addresses(host)


def test_only_addresses_that_were_asked_for_are_taken_for_an_answer(addresses, host):
    host.answer = f"Welcome to {OTHER}\nhttp://172.18.0.9:1\n{INNER}\n".encode()
    addresses.look({"one": INNER, "two": OTHER})
    assert [addresses.is_ready(*each, look=False) for each in (("one", INNER), ("two", OTHER))] == [True, False]


@pytest.mark.parametrize(
    ("answer", "ready"), [(b"", False), (b"Welcome\n", False), (b"not ready\n", False), (b"ready\n", True)]
)
def test_a_container_is_ready_once_it_is_said_to_be_and_by_no_other_word(addresses, host, answer, ready):
    host.answer = answer
    addresses.wait("one", INNER, 1, Deadline.after(5))
    assert addresses.is_ready("one", INNER, look=False) is ready


def test_who_is_led_slowly_to_one_address_holds_up_nobody_else(addresses, host):
    entered, go = threading.Event(), threading.Event()
    host.on_forward = lambda: (entered.set(), go.wait(5))
    slow = threading.Thread(target=addresses.lead, args=("one", INNER))
    slow.start()
    assert entered.wait(5)
    host.on_forward = lambda: None
    assert addresses.lead("two", OTHER) == f"unix:/{OTHER}"
    addresses.forget("two")
    assert slow.is_alive()
    go.set()
    slow.join(5)
    assert host.led == {INNER}


def test_an_address_that_another_container_gets_meanwhile_stays_led_to(addresses, host):
    addresses.lead("one", INNER)
    host.on_unforward = lambda: addresses._led.update({INNER: "two"})
    addresses.forget("one")
    assert host.led == {INNER}
    addresses.forget("one")
    assert host.led == {INNER}
