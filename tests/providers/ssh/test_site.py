"""One machine that is broken, of no use or far away holds up no other."""

import threading
from pathlib import Path
from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import CapacityError, EngineError, PermissionDenied, TransientError
from cloudlayer.interfaces import Deadline, SystemClock
from cloudlayer.providers.ssh import scripts
from cloudlayer.providers.ssh.inventory import InventoryFile
from cloudlayer.providers.ssh.provider import SshProvider
from cloudlayer.providers.ssh.records import Records
from cloudlayer.providers.ssh.site import Site
from cloudlayer.testing.clock import SteppedClock
from tests.providers.ssh.test_facts import SAID
from tests.providers.ssh.test_inventory import box, written

SPEC, TOKEN = InstanceSpec(cpu=0.5), "0a1b2c3d-0000-4000-8000-000000000000"
FULL = EngineError("a: sh ended with code 1: mktemp: No space left on device")


class Machines:
    """Machines that answer from memory: what each says of itself, and what it raises when it is claimed or given back."""

    def __init__(self):
        self.said, self.claiming, self.cleaning = {}, {}, {}
        self.claims = {}
        self.awake = threading.Event()
        self.awake.set()

    def run(self, access, name, command, *, input, root, deadline):
        script, arguments = input.decode(), command[3:]
        if script == scripts.SURVEY:
            self.awake.wait(10)
            return (self.said.get(name, SAID) + self._claim(name)).encode()
        error = (self.claiming if script == scripts.CLAIM else self.cleaning).get(name)
        if error is not None:
            raise error
        if script == scripts.CLAIM:
            self.claims.setdefault(name, arguments[0])
        else:
            self.claims.pop(name, None)
        return self._claim(name).encode()

    def _claim(self, name):
        return f"claim {self.claims[name]}\n" if name in self.claims else ""


@pytest.fixture
def machines(monkeypatch):
    made = Machines()
    monkeypatch.setattr("cloudlayer.providers.ssh.site.run_once", made.run)
    return made


@pytest.fixture
def path(tmp_path):
    (tmp_path / "key").write_text("")
    return written(tmp_path, [box(name="a"), box(name="b", address="10.0.0.2", price="1 USD/h")])


@pytest.fixture
def provider(machines, path, tmp_path):
    return SshProvider(path, tmp_path / "state", clock=SteppedClock())


@pytest.fixture
def compute(provider):
    return provider.compute


def test_a_machine_that_cannot_be_claimed_is_passed_over(machines, compute):
    machines.claiming["a"] = FULL
    assert compute.create(SPEC, token=TOKEN).machine_type == "b"
    assert [one.machine_type for one in compute.list()] == ["b"]
    with pytest.raises(
        CapacityError, match=r"a \(cannot be claimed: a: sh .* No space left on device; it failed once .*\), b \(claimed\)"
    ):
        compute.create(SPEC, token=TOKEN.replace("0a", "0b"))


def test_a_claim_that_was_broken_off_goes_elsewhere_if_its_machine_turns_out_to_be_broken(machines, compute):
    machines.claiming["a"] = TransientError("the connection ended")
    with pytest.raises(TransientError):
        compute.create(SPEC, token=TOKEN)
    machines.claiming["a"] = FULL
    made = compute.create(SPEC, token=TOKEN)
    assert made.machine_type == "b"
    assert compute.create(SPEC, token=TOKEN).id == made.id


def test_a_machine_asked_for_by_name_that_cannot_be_claimed_is_avoided_for_a_while(machines, compute):
    machines.claiming["a"] = FULL
    with pytest.raises(CapacityError, match="No space left") as caught:
        compute.create(SPEC.model_copy(update={"machine_type": "a"}), token=TOKEN)
    assert caught.value.avoid.machine_type == "a"


def test_a_machine_whose_claims_fail_again_and_again_is_tried_ever_less_often_up_to_an_hour(machines, path, provider, tmp_path):
    named, pauses = SPEC.model_copy(update={"machine_type": "a"}), []
    machines.claiming["a"] = FULL
    records, clock = Records(tmp_path / "state", path), provider.compute.clock
    for _ in range(6):
        with pytest.raises(CapacityError, match="No space left") as caught:
            provider.compute.create(named, token=str(uuid4()))
        assert caught.value.avoid.seconds <= 60, "so that one which was mended and let be tried is had within a minute"
        pauses.append(records.breakdown("a").until - clock.now())
        clock.sleep(pauses[-1] + 1)
    assert pauses == pytest.approx([300, 600, 1200, 2400, 3600, 3600], abs=10)


def test_a_machine_that_is_left_alone_is_not_even_asked_and_is_told_of_with_the_mend(machines, provider):
    named = SPEC.model_copy(update={"machine_type": "a"})
    machines.claiming["a"] = FULL
    for _ in range(2):
        with pytest.raises(CapacityError, match=r"it failed once and is tried again at .* UTC"):
            provider.compute.create(named, token=str(uuid4()))
    (told,) = provider.check()
    assert "a: cannot be claimed: a: sh ended with code 1" in told
    machines.claiming.clear()
    Path(told.partition("and remove ")[2].partition(" to have")[0]).unlink()
    assert provider.compute.create(named, token=str(uuid4())).machine_type == "a"
    assert provider.check() == []


def test_that_we_may_claim_none_is_told_as_such(machines, compute):
    refused = EngineError("the user may not become root without a password")
    machines.claiming.update(a=refused, b=refused)
    with pytest.raises(PermissionDenied):
        compute.create_batch([SPEC, SPEC], token=TOKEN)
    assert compute.list() == []


@pytest.mark.parametrize("absent", ["has root", "has docker", "has iptables", "engine 24.0.7", "has nvidia"])
def test_a_machine_on_which_no_replica_would_run_is_not_on_sale(machines, compute, absent):
    machines.said["a"] = SAID.replace(f"{absent}\n", "")
    assert {offer.machine_type.name: offer.available for offer in compute.offers()} == {"a": 0, "b": 1}
    assert compute.create(SPEC, token=TOKEN).machine_type == "b"
    with pytest.raises(CapacityError, match=r"a .*: (allow|install|start) "):
        compute.create(SPEC, token=TOKEN.replace("0a", "0b"))


def test_what_a_claimed_machine_has_come_to_lack_is_its_instances_reason(machines, path, tmp_path):
    SshProvider(path, tmp_path / "state").compute.create(SPEC, token=TOKEN)
    machines.said["a"] = SAID.replace("has iptables\n", "")
    (seen,) = SshProvider(path, tmp_path / "state").compute.list()
    assert "install iptables" in seen.reason


def test_a_machine_that_cannot_be_cleaned_stays_claimed_and_is_tried_again(machines, compute):
    made = compute.create(SPEC, token=TOKEN)
    machines.cleaning["a"] = EngineError("a: sh ended with code 1: containers are still being started")
    with pytest.raises(TransientError, match="still being started"):
        compute.delete([made.id])
    machines.cleaning.clear()
    compute.delete([made.id])
    assert compute.get(made.id).state == "deleted"


def test_a_look_that_hangs_keeps_nobody_from_what_is_known_nor_beyond_his_deadline(machines, path, tmp_path):
    site = Site(InventoryFile(path), Records(tmp_path / "state", path), SystemClock())
    known = site.look()
    machines.awake.clear()
    slow = threading.Thread(target=site.look)
    slow.start()
    try:
        assert site.look(fresh=60.0) == known
        with pytest.raises(TransientError, match="another look"):
            site.look(Deadline.after(0.1))
    finally:
        machines.awake.set()
        slow.join(10)
