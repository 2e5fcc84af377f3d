"""The fixtures of the suite, and what its promises are written with."""

# ruff: noqa: S101

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest

from cloudlayer.errors import CloudError, NotFound
from cloudlayer.interfaces import Compute, Provider
from cloudlayer.resources import Instance, InstanceSpec
from cloudlayer.testing.faults import Faults
from cloudlayer.units import MIB

RUN = "conformance-run"
"""The label that all instances of one test carry."""


class Promises:
    """Fixtures: `provider` must be given; `faults`, `spec`, `absent_id` and `page` have defaults that may be overridden."""

    patience: float = 60.0
    """For how many seconds, on the provider's own clock, an instance may be under way to a state."""

    page: int = 5
    """How many launches fill the cloud's smallest page."""

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
    def absent_id(self) -> str:
        """An id that no instance has."""
        return "i-00000000000000000"

    @pytest.fixture
    def compute(self, provider: Provider) -> Compute:
        """What is tested."""
        return provider.compute

    @pytest.fixture
    def run(self, compute: Compute, faults: Faults) -> Iterator[dict[str, str]]:
        """The label of this test's instances, which are deleted after it."""
        label = {RUN: uuid4().hex}
        yield label
        faults.clear()
        compute.delete([instance.id for instance in compute.list(label) if not instance.state.gone])

    @pytest.fixture
    def spec(self, base_spec: InstanceSpec, run: dict[str, str]) -> InstanceSpec:
        """`base_spec`, labelled as this test's."""
        return changed(base_spec, labels={**base_spec.labels, **run})

    @pytest.fixture
    def token(self) -> str:
        """An attempt that was never used."""
        return str(uuid4())


def changed(spec: InstanceSpec, **fields: object) -> InstanceSpec:
    """The spec with other values in some fields, checked as any spec is."""
    return InstanceSpec.model_validate({**spec.model_dump(), **fields})


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
