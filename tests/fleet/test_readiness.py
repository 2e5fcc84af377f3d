"""A machine counts once it is what was paid for; until then it is waited for, and not for ever."""

from dataclasses import replace

import pytest

from cloudlayer.fleet.readiness import READY_SECONDS, SYSTEM_MEMORY, Readiness, corrected, lacking
from cloudlayer.fleet.store import MachineRow, MachineState
from cloudlayer.interfaces import Access, Capabilities, Capability
from cloudlayer.resources import Accelerator, Instance, InstanceState, MachineType, Offer
from cloudlayer.runtime.bootstrap import Report
from cloudlayer.testing import SteppedClock
from cloudlayer.units import GIB
from tests.fleet.boxes import READY, paper_clouds
from tests.fleet.controllers import Inline

GPU_TYPE = MachineType("gpu-2", cpu=8, memory=32 * GIB, accelerators=(Accelerator("H100", 80 * GIB),) * 2)
PLAIN = MachineType("plain", cpu=4, memory=16 * GIB, allocatable_memory=15 * GIB)
OFFER = Offer("paper", "here", "here-a", PLAIN, "on_demand", None)
ROW = MachineRow("fleet", "m1", "b", 0, "paper:here", OFFER, {"disk": 0}, MachineState.PENDING, "i-1", "192.0.2.1")
RUNNING = Instance("i-1", "paper", "here", "here-a", InstanceState.RUNNING, "plain", public_address="192.0.2.1")
GOOD = Report(docker="27", gpu_runtime=True, gpus=(("H100", 80 * GIB),) * 2, cores=8, memory=32 * GIB)


class Paper:
    """A cloud of one machine, with a console."""

    name, region, keeps_machines = "paper", "here", True
    capabilities = Capabilities("paper", {"console_log": Capability(True)})

    def __init__(self):
        self.compute = self

    def access(self, instance):
        return Access(instance.public_address or "")

    def offers(self, *, deadline=None):
        return [OFFER]

    def console_log(self, id, *, deadline=None):
        return "one\n\nKernel panic\n"


@pytest.fixture
def clouds(tmp_path):
    return paper_clouds(lambda _: Paper(), SteppedClock(), tmp_path)


def look(clouds, told=READY, *, row=ROW, now=0.0):
    clouds.reach.told = told
    return Readiness(clouds, Inline()).look(row, RUNNING, now)


@pytest.mark.parametrize(
    ("report", "what"),
    [
        (replace(GOOD, setting_up=True), "cloud-init"),
        (replace(GOOD, docker=None), "Docker Engine does not answer"),
        (replace(GOOD, gpus=GOOD.gpus[:1]), "counts 1 GPUs there, and 2 were bought"),
        (replace(GOOD, gpu_runtime=False), "NVIDIA runtime"),
    ],
)
def test_what_a_machine_lacks_is_said(report, what):
    assert lacking(GOOD, GPU_TYPE) == ""
    assert what in lacking(report, GPU_TYPE)


def test_of_its_gpus_an_inventory_may_name_a_part():
    assert lacking(GOOD, replace(GPU_TYPE, accelerators=GPU_TYPE.accelerators[:1])) == ""


def test_gpus_of_another_maker_are_not_counted_by_nvidias_driver():
    kind = replace(GPU_TYPE, accelerators=(Accelerator("MI300X", 192 * GIB),) * 8)
    assert lacking(Report(docker="27"), kind) == ""


def test_a_machine_that_has_all_is_ready_and_its_first_host_key_is_replaced(clouds):
    assert look(clouds).ready
    assert clouds.reach.renewed == ["m1"]


def test_one_that_is_being_set_up_is_waited_for_and_not_for_ever(clouds):
    finding = look(clouds, "booted no\n", now=READY_SECONDS - 1)
    assert (finding.ready, finding.failed) == (False, False)
    late = look(clouds, "booted no\n", now=READY_SECONDS)
    assert late.failed
    assert "not ready within 20 min: cloud-init is still setting it up" in late.reason


def test_one_whose_set_up_failed_is_given_up_at_once_with_the_step(clouds):
    finding = look(clouds, "booted no\nfailed installing docker.io\n")
    assert finding.failed
    assert finding.reason.startswith("installing docker.io; the last that it wrote: ")


def test_one_that_never_answers_tells_the_last_lines_of_its_console(clouds):
    clouds.reach.host(ROW).connected = False
    finding = look(clouds, now=READY_SECONDS)
    assert finding.failed
    assert finding.reason.endswith("the last that it wrote: one | Kernel panic")


def test_its_address_is_noted_first(clouds):
    finding = look(clouds, row=replace(ROW, address="10.0.0.1"))
    assert (finding.ready, finding.address) == (False, "192.0.2.1")


def test_figures_are_corrected_by_what_the_machine_reports_and_never_upwards():
    assert corrected(OFFER, Report(cores=64, memory=64 * GIB)) == OFFER
    small = corrected(OFFER, Report(cores=2, memory=8 * GIB)).machine_type
    assert (small.usable_cpu, small.usable_memory) == (2.0, 8 * GIB - SYSTEM_MEMORY)
    assert corrected(OFFER, Report()) == OFFER


def test_what_one_machine_reported_holds_for_what_is_on_sale(clouds):
    look(clouds, "finished yes\nbooted yes\ndocker 27\ncores 3\nmemory 8388608\n")
    (offer,) = clouds.market(["paper:here"], pytest.fail).offers
    known = offer.machine_type
    assert (known.usable_cpu, known.usable_memory) == (3.0, 8 * GIB - SYSTEM_MEMORY)
