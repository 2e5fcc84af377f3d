"""The example fleet in containers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from cloudlayer.labels import FLEET
from cloudlayer.testing.evidence import record_promise

from .deployment import HIDDEN, Deployment

pytestmark = pytest.mark.docker

EXAMPLE = Path(__file__).parents[2] / "examples" / "sentiment"


@pytest.fixture
def daemon() -> Iterator[docker.APIClient]:
    client = docker.APIClient(base_url=os.environ.get("DOCKER_HOST") or None, version="auto")
    yield client
    client.close()


@pytest.fixture
def fleet(deployment: Deployment) -> Path:
    """The example's own manifest, with engine = "docker" for both functions."""
    text = (EXAMPLE / "fleet.toml").read_text()
    text = text.replace('name = "sentiment"', f'name = "{name(deployment)}"').replace('source = "', f'source = "{EXAMPLE}/')
    path = deployment.folder / "fleet.toml"
    path.write_text(text.replace("[[function]]", '[[function]]\nengine = "docker"'))
    deployment.environment["CLOUDLAYER_BASE_IMAGE"] = "cloudlayer/base:local"
    return path


def name(deployment: Deployment) -> str:
    """A fleet's name that no other test uses."""
    return f"docker-{deployment.folder.name[2:].replace('_', '-')}x".lower()


def test_the_talks_example_is_answered_from_a_container_and_down_leaves_none(
    deployment: Deployment, fleet: Path, daemon: docker.APIClient, request: pytest.FixtureRequest
) -> None:
    record_promise(request.node, "local", "real service", ["engine:docker"])
    deployment.up(fleet)
    assert deployment.call("nlp/SentimentAnalysis/1.0.4", {"document": "I really like Algorithmia!"})["sentiment"] == 0.474
    assert len(deployment.call("nlp/Sentences", "I love it. I hate that!")["sentences"]) == 2
    listed = {one["container"] for one in deployment.replicas()}
    labels = {"label": f"{FLEET}={name(deployment)}"}
    running = {container["Id"] for container in daemon.containers(filters=labels)}
    assert len(running) == 2
    assert all(any(one.startswith(container) for one in running) for container in listed)
    for one in running:
        given = daemon.inspect_container(one)["Config"]["Env"]
        assert not any(deployment.key in text or HIDDEN in text for text in given)
    deployment.down()
    assert daemon.containers(all=True, filters=labels) == []
    deployment.assert_nothing_is_left()
