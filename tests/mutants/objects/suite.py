"""The suite, run against each mutant, only the promise that it breaks; and against stores that are sound. Run by `runs`, never
by itself."""

import dataclasses

import pytest

from cloudlayer.storage import registry
from cloudlayer.storage.capabilities import NAMES
from cloudlayer.testing.objects import ObjectConformance
from tests.conformance.objects.damaging import flipped
from tests.mutants.objects import condemned, conditions, files, lending, listing, names, parts, reading, writing  # noqa: F401
from tests.mutants.objects.base import MUTANTS
from tests.mutants.objects.world import ABSENT, NAME, SECRET, WorldStore

PROMISES = {(ObjectConformance, name) for name in dir(ObjectConformance) if name.startswith("test_")}


class Sound(WorldStore):
    """Has everything."""


class SoundThoughPoor(WorldStore):
    """Has only what a store needs to be written to."""

    lacking = tuple(NAMES.keys() - {"put", "list"})


class SoundThoughReadOnly(WorldStore):
    """Is read, and no more."""

    lacking = tuple(NAMES)


SOUND = (Sound, SoundThoughPoor, SoundThoughReadOnly)
"""Stores that keep all promises that are theirs."""


class AgainstAStore:
    mutant = None
    name = "mutant"
    proof = "simulated"
    patience = 4.0
    many = 1300

    @pytest.fixture(autouse=True)
    def connected(self, monkeypatch):
        """memory:// is the mutant."""
        monkeypatch.setitem(registry.STORES, "memory", "tests.mutants.objects.world:connect")
        monkeypatch.setattr("tests.mutants.objects.world.KIND", [self.mutant])

    @pytest.fixture
    def root(self, connected):
        return f"memory://{NAME}/"

    @pytest.fixture
    def stores(self, connected):
        return {"memory": {"secret": SECRET}}

    @pytest.fixture
    def denied(self, connected):
        return {"memory": {"secret": "wrong"}}

    @pytest.fixture
    def secrets(self):
        return (SECRET,)

    @pytest.fixture
    def absent_root(self, connected):
        return f"memory://{ABSENT}/"

    @pytest.fixture
    def elsewhere(self, connected):
        return lambda host, port: ({"memory": {"address": f"{host}:{port}"}}, f"memory://{NAME}/")

    @pytest.fixture
    def given(self, store, prefix):
        """Past the mutant where that says that it cannot be written to."""

        def put(name, data):
            (store if store.capabilities["put"] else store.inner).put(prefix + name, data)
            return prefix + name

        return put

    @pytest.fixture
    def damage(self, store):
        def damage(key):
            kept = store.inner._bucket.objects[key]
            store.inner._bucket.objects[key] = dataclasses.replace(kept, data=flipped(kept.data))

        return damage


def suite_of(mutant):
    """The suite with the promise that the mutant breaks alone."""
    others = {name: None for _, name in PROMISES if name != mutant.promise}
    return type(f"Test{mutant.name}", (AgainstAStore, ObjectConformance), {**others, "mutant": mutant.kind})


globals().update({f"Test{mutant.name}": suite_of(mutant) for mutant in MUTANTS})
globals().update({f"Test{kind.__name__}": type("Test", (AgainstAStore, ObjectConformance), {"mutant": kind}) for kind in SOUND})
