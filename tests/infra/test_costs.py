"""What a preview says that things would cost: it is told with each resource, and is never what a preview fails by."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pulumi")

from pulumi.runtime.rpc import UNKNOWN

from cloudlayer.infra import costs
from cloudlayer.resources import MachineType, Offer, Price
from cloudlayer.units import GIB
from tests.infra.clouds.base import Cloud
from tests.infra.conftest import Declare
from tests.infra.engine import Result

WHERE = {"provider": "shop"}


def offer(name: str, price: float | None, *, cpu: float = 2, zone: str = "a", purchase: str = "on_demand") -> Offer:
    told = None if price is None else Price(price, "USD", "a test", date(2026, 1, 1))
    kind = MachineType(name, cpu=cpu, memory=8 * GIB, disk=None, accelerators=(), architecture="x86_64")
    return Offer("shop", "here", zone, kind, purchase, told)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider's offers, without a provider."""
    offers = [
        offer("t3.large", 0.526),
        offer("t3.large", 0.25, purchase="spot"),
        offer("t3.large", 0.6, zone="b"),
        offer("t3.huge", 2, cpu=16),
        offer("secret", None, cpu=32),
    ]
    monkeypatch.setattr(costs, "_offers", lambda name, options: offers)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"machine_type": "t3.large"}, "about 0.526 USD/h (t3.large, on demand)"),
        ({"machine_type": "t3.large", "purchase": "spot"}, "about 0.25 USD/h (t3.large, spot)"),
        ({"machine_type": "t3.large", "zone": "b"}, "about 0.6 USD/h (t3.large, on demand)"),
        ({"machine_type": "t3.large", "zone": UNKNOWN}, "about 0.526 USD/h (t3.large, on demand)"),
        ({"cpu": 4}, "about 2 USD/h (t3.huge, on demand)"),
        ({"cpu": 20}, "price not known: secret, on demand"),
        ({"machine_type": "t3.none"}, "price not known: t3.none, on demand, is not on offer there"),
        ({"machine_type": UNKNOWN}, "price not known before its provider and machine type are"),
    ],
)
def test_a_machine(asked: dict[str, Any], said: str) -> None:
    assert costs.of_instance({**WHERE, **asked}) == said


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"min": 1, "max": 4}, "about 0.526 USD/h up to 2.104 USD/h (1 to 4 members of t3.large, on demand)"),
        ({"max": 2}, "about 0 USD/h up to 1.052 USD/h (0 to 2 members of t3.large, on demand)"),
    ],
)
def test_a_group_from_its_least_to_its_most(asked: dict[str, Any], said: str) -> None:
    assert costs.of_group({**WHERE, "template": {"machine_type": "t3.large"}, **asked}) == said


def test_an_unknown_price_is_told_as_unknown_and_never_as_nothing() -> None:
    template = {"machine_type": "secret"}

    assert costs.of_group({**WHERE, "template": template, "min": 1, "max": 2}) == (
        "price not known: 1 to 2 members of secret, on demand"
    )


def said_of(result: Result, name: str) -> list[str]:
    return [message.text for message in result.messages if message.urn.endswith(f"::{name}") and message.severity == "info"]


def test_a_preview_tells_it_with_each_resource_and_a_run_does_not(declare: Declare, cloud: Cloud) -> None:
    declared = declare()
    program = 'worker = instance("worker")\ndata = volume("data", zone=worker.zone)\ngroup("crew")\n'

    foreseen = declared.preview(program)

    assert foreseen.ok, foreseen.failures
    (worker,), (data,), (crew,) = (said_of(foreseen, name) for name in ("worker", "data", "crew"))
    assert worker.startswith(("about ", "price not known: "))
    assert worker.endswith(", on demand)") or "on demand" in worker
    assert data == "price not known: what a volume costs is not looked up"
    assert "1 to 2 members" in crew
    assert set(cloud.count().values()) == {0}


def test_without_credentials_a_preview_goes_through_and_says_why_no_price_is_known(here_declared: Any, tmp_path: Path) -> None:
    nobody = {name: str(tmp_path / "none") for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    here_declared.stack.environment |= {**nobody, "AWS_EC2_METADATA_DISABLED": "true"}

    foreseen = here_declared.preview(
        'infra.Instance("worker", provider="aws:us-east-1", machine_type="t3.large", image="ubuntu-22.04")'
    )

    assert foreseen.ok, foreseen.failures
    (said,) = said_of(foreseen, "worker")
    assert said.startswith("price not known: ")
    assert "credentials" in said
