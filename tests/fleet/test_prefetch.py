"""Images are made while machines are still on their way, each once, and for containers alone."""

import pytest

from cloudlayer.errors import TransientError
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.prefetch import Prefetch
from cloudlayer.functions.manifest import Manifest
from cloudlayer.interfaces import Deadline
from cloudlayer.labels import OWNER
from cloudlayer.runtime.docker import supply


@pytest.fixture
def published(monkeypatch):
    """The replicas whose images were made; `published.fails` makes the next one fail."""

    class Published(list):
        fails = False

        def publish(self, held, spec, deadline):
            assert held == "the supply"
            if self.fails:
                raise TransientError("not now")
            self.append(spec)

    made = Published()
    made.held = []
    monkeypatch.setattr(supply, "publish", made.publish)
    monkeypatch.setattr(supply, "supply_of", lambda cache: made.held.append(cache) or "the supply")
    monkeypatch.setattr(supply, "let_go", made.held.remove)
    return made


@pytest.fixture
def prefetch(tmp_path):
    return Prefetch(tmp_path, "owner")


def desired(**function):
    one = {"name": "a/B", "version": "1.0.0", "source": "there", "engine": "docker",
           "resources": {"cpu": 1, "memory": "128MiB"}, "scale": {"min": 1}, **function}  # fmt: skip
    whole = {key: value for key, value in one.items() if value is not None}
    return Desired(Manifest.model_validate({"fleet": {"name": "f", "providers": ["local"]}, "function": [whole]}), {})


def test_what_is_wanted_in_containers_is_due_until_it_is_made(prefetch, published):
    wish = desired()
    (spec,) = prefetch.due(wish, {})
    prefetch.make(spec, wish, Deadline.after(1))
    assert prefetch.due(wish, {}) == []
    assert [(each.function, each.version, each.labels) for each in published] == [("a/B", "1.0.0", {OWNER: "owner"})]


def test_the_registry_stays_up_between_two_images_and_is_let_go_of_once(prefetch, published, tmp_path):
    wish = desired()
    for _ in range(2):
        prefetch.make(wish.manifest.function[0], wish, Deadline.after(1))
    assert published.held == [tmp_path]
    prefetch.close()
    prefetch.close()
    assert published.held == []


def test_what_changed_is_due_again(prefetch, published):
    wish = desired()
    prefetch.make(prefetch.due(wish, {})[0], wish, Deadline.after(1))
    changed = Desired(wish.manifest, {wish.manifest.function[0].key: "another content"})
    assert len(prefetch.due(changed, {})) == 1


@pytest.mark.parametrize(
    "function", [{"engine": "process"}, {"engine": None}, {"source": None, "image": "x:1"}, {"scale": {"min": 0, "max": 1}}]
)
def test_what_needs_no_image_of_ours_now_is_not_due(prefetch, function):
    assert prefetch.due(desired(**function), {}) == []


def test_what_is_called_is_due_though_its_minimum_is_none(prefetch):
    wish = desired(scale={"min": 0, "max": 1})
    assert len(prefetch.due(wish, {wish.manifest.function[0].key: 1})) == 1


def test_what_failed_is_due_again(prefetch, published):
    wish, published.fails = desired(), True
    (spec,) = prefetch.due(wish, {})
    with pytest.raises(TransientError):
        prefetch.make(spec, wish, Deadline.after(1))
    assert prefetch.due(wish, {}) == [spec]
