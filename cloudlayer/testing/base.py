"""The fixtures of the suite, and what its promises are written with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import signature
from typing import TypeVar
from uuid import uuid4

import pytest

from cloudlayer.errors import CloudError, NotFound
from cloudlayer.interfaces import Compute, Provider
from cloudlayer.resources import Instance, InstanceSpec
from cloudlayer.specs import Spec
from cloudlayer.testing.cleaning import clean, clean_leftovers
from cloudlayer.testing.evidence import proven, record_promise
from cloudlayer.testing.faults import Faults
from cloudlayer.units import MIB

RUN = "conformance-run"
"""The label that all things of one test carry."""

ENDLESS = 1e9
"""Seconds that do not run out in a test, nor on a clock that jumps over its pauses."""

SpecType = TypeVar("SpecType", bound=Spec)


class Promises:
    """Fixtures: `provider` must be given; `faults`, `base_spec` and `absent_id` have defaults that may be overridden."""

    patience: float = 60.0
    """For how many seconds, on the provider's own clock, a thing may be under way to a state."""

    page: int = 5
    """How many things fill the cloud's smallest page."""

    proof: str = ""
    """What stands behind the provider in these tests: "real service", "emulator", "stub" or "simulated"."""

    capability: str = ""
    """The interface that is tested, as a capability; empty for Compute, which all have."""

    interface: str = ""
    """The interface whose promises these are: "compute", "autoscaling", "load_balancing", "storage", or none of them."""

    makes: tuple[str, ...] = ("instance",)
    """The kinds of things that these tests make, in the order in which they are deleted after each."""

    @pytest.fixture
    def provider(self) -> Provider:
        """The provider, connected. It may be the same for all tests."""
        raise NotImplementedError("give a fixture `provider` that returns the connected provider")

    @pytest.fixture
    def faults(self, provider: Provider) -> Faults:
        """How faults are brought about; without one, promises that need a fault are skipped."""
        return Faults()

    @pytest.fixture
    def base_spec(self) -> InstanceSpec:
        """A small spec that can be created any time, some twelve at once. Give it an image where one is needed."""
        return InstanceSpec(cpu=0.5, memory=256 * MIB)

    @pytest.fixture
    def absent_instance(self) -> str:
        """An id that no instance has."""
        return "i-00000000000000000"

    @pytest.fixture
    def compute(self, provider: Provider) -> Compute:
        """Instances, tested or made use of."""
        return provider.compute

    @pytest.fixture
    def run(self, request: pytest.FixtureRequest, provider: Provider, faults: Faults) -> Iterator[dict[str, str]]:
        """The label of all that this test makes, which is deleted after it.

        Pieces of things that came to nothing are looked for, which takes long, only where the test brings faults about.
        """
        label = {RUN: uuid4().hex}
        yield label
        faults.clear()
        clean(provider, label, self.makes, self.patience)
        if "faults" in signature(request.function).parameters:
            clean_leftovers(provider, label)

    @pytest.fixture
    def token(self) -> str:
        """An attempt that was never used."""
        return str(uuid4())

    @pytest.fixture(autouse=True)
    def recorded(self, request: pytest.FixtureRequest, provider: Provider) -> None:
        """Writes into pytest's JUnit file whose promise this is, what it proves, and by what kind of proof."""
        parameters = {"capability": self.capability, **getattr(getattr(request.node, "callspec", None), "params", {})}
        capabilities = [capability.format(**parameters) for capability in proven(request.function)]
        record_promise(request.node, provider.name, self.proof, capabilities, interface=self.interface)


def changed(spec: SpecType, **fields: object) -> SpecType:
    """The spec with other values in some fields, checked as any spec is."""
    return type(spec).model_validate({**spec.model_dump(), **fields})


def labelled(spec: SpecType, labels: dict[str, str]) -> SpecType:
    """The spec with more labels."""
    return changed(spec, labels={**getattr(spec, "labels", {}), **labels})


def named(spec: InstanceSpec, *names: str) -> list[InstanceSpec]:
    """The spec once for each name."""
    return [changed(spec, name=name) for name in names]


def instances(answers: Sequence[Instance | CloudError]) -> list[Instance]:
    """The answers of a batch, all of which must be instances."""
    for answer in answers:
        assert isinstance(answer, Instance), f"no instance but {answer!r}"
    return [answer for answer in answers if isinstance(answer, Instance)]


def alive(compute: Compute, labels: dict[str, str]) -> list[Instance]:
    """The instances with these labels that are not gone."""
    return [instance for instance in compute.list(labels) if not instance.state.gone]


def is_gone(compute: Compute, id: str) -> bool:
    """Whether the instance is deleted, being deleted, or not there."""
    try:
        return compute.get(id).state.gone
    except NotFound:
        return True
