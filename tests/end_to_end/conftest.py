from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .deployment import Deployment


@pytest.fixture
def deploy() -> Iterator[Callable[..., Deployment]]:
    """Makes deployments of their own for one test; whatever it leaves is ended."""
    made: list[Deployment] = []

    def make(**fields: str) -> Deployment:
        made.append(Deployment(**fields))
        return made[-1]

    yield make
    for deployment in made:
        deployment.close()


@pytest.fixture
def deployment(deploy: Callable[..., Deployment]) -> Deployment:
    return deploy()
