"""Models stay as long as a version that is wanted, or a replica, reads them; on this host, of any fleet of the home."""

import os
import threading
import time
from itertools import count
from uuid import uuid4

import pytest

from cloudlayer import storage
from cloudlayer.errors import TransientError
from cloudlayer.fleet import controller
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.service import Fleets
from cloudlayer.fleet.tidying import Tidying, read_by
from cloudlayer.functions.models import ModelFile
from cloudlayer.interfaces import Model
from cloudlayer.providers.simulated import World
from cloudlayer.runtime.models import models_folder
from cloudlayer.runtime.models.kept import set_id
from cloudlayer.runtime.models.unused import KEPT_SECONDS
from tests.fleet.boxes import PaperHost
from tests.fleet.controllers import FLEET, two_functions
from tests.runtime.functions import until


@pytest.fixture
def world():
    return World(boot_seconds=1.0, delete_seconds=1.0)


@pytest.fixture
def fleets(tmp_path, world):
    with Fleets(Home(tmp_path), clouds=Clouds(lambda _: world.connect(), world.clock), clock=world.clock) as fleets:
        yield fleets


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A folder of a store, which blob:// stands for."""
    uri = f"memory://{uuid4().hex}/team"
    config = tmp_path / "config.toml"
    config.write_text(f'[stores.blob]\nuri = "{uri}"\n')
    monkeypatch.setenv("CLOUDLAYER_CONFIG", str(config))
    with storage.connect() as client:
        yield client.dir(f"{uri}/")


@pytest.fixture
def deployed(fleets, folder):
    """`deployed(names)`: a fleet of a version that reads these models, which are in the cache since long ago."""

    def made(*names, fleet=FLEET):
        for name in names:
            folder.file(name).put(name)
        wanted = two_functions(2, consolidated=False)
        models = tuple(ModelFile(uri=f"blob://{name}", name=name) for name in names)
        functions = tuple(spec.model_copy(update={"models": models}) for spec in wanted.function)
        owned = wanted.fleet.model_copy(update={"name": fleet})
        fleets.deploy(wanted.model_copy(update={"fleet": owned, "function": functions}))
        fetched = {models: models_folder(models, fleets.home.sources()) for models in read_by(fleets.store.read(fleet))}
        age(*fetched.values())
        return fetched

    return made


def age(*places):
    for place in places:
        for path in (place, *place.iterdir()):
            os.utime(path, (time.time() - KEPT_SECONDS - 60,) * 2)


def tidy(fleets):
    Tidying(fleets.store, fleets.clouds, fleets.home, FLEET).round()


def test_what_a_wanted_version_reads_stays_and_what_none_reads_goes(fleets, deployed, folder):
    (wanted,) = deployed("wanted").values()
    info = folder.file("unwanted").put("x")
    unwanted = models_folder((Model("blob://unwanted", "x", info.etag),), fleets.home.sources())
    age(unwanted)

    tidy(fleets)

    assert (wanted.exists(), unwanted.exists()) == (True, False)


def test_what_a_version_reads_stays_until_the_next_one_has_proved_itself(fleets, deployed, world):
    (old,) = deployed("old").values()
    fleets.settle(FLEET, progress=lambda _event: None)
    places = deployed("new").values()

    tidy(fleets)
    assert len(places) == 2
    assert all(place.exists() for place in places)

    fleets.settle(FLEET, progress=lambda _event: None)
    world.advance(60)
    fleets.settle(FLEET, progress=lambda _event: None)
    age(*places)
    tidy(fleets)
    assert [place.exists() for place in places] == [place != old for place in places]


def test_what_another_fleet_of_the_home_reads_stays_here(fleets, deployed):
    (theirs,) = deployed("theirs", fleet="another").values()
    deployed("ours")

    tidy(fleets)

    assert theirs.exists()


class Machine(PaperHost):
    """A machine that keeps what it is told to keep, or does not answer."""

    def __init__(self, name, fails):
        super().__init__(name, "")
        self.fails = fails
        self.kept = []

    def run(self, command, *, input=b"", root=False, deadline=None):
        assert root
        if self.fails:
            raise TransientError("it does not answer")
        self.kept.append(input.decode().split())
        return b""


def test_machines_keep_what_their_fleet_reads_though_one_of_them_cannot_be_asked(fleets, deployed, monkeypatch):
    (models,) = deployed("ours")
    deployed("theirs", fleet="another")
    fleets.settle(FLEET, progress=lambda _event: None)
    rows = fleets.machines(FLEET)
    machines = {row.id: Machine(row.id, fails=number == 0) for number, row in enumerate(rows)}
    monkeypatch.setattr(fleets.clouds, "host", lambda row: machines[row.id])

    tidy(fleets)

    assert len(rows) > 1
    assert [machine.kept for machine in machines.values()] == [[], *([[set_id(models)]] for _ in rows[1:])]


def test_a_controller_does_it_again_and_again_whatever_went_wrong_before(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(controller, "FIRST_ROUND", 0.01)
    monkeypatch.setattr(controller, "TIDY_EVERY", 0.01)
    rounds, real = count(1), Tidying.round

    def first_fails(self):
        if next(rounds) == 1:
            raise RuntimeError("what nobody thought of")
        real(self)

    monkeypatch.setattr(Tidying, "round", first_fails)
    home = Home(tmp_path / "home")
    unwanted = models_folder((Model("blob://unwanted", "x", folder.file("unwanted").put("x").etag),), home.sources())
    age(unwanted)

    running = controller.Controller(home, FLEET, "")
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        until(lambda: not unwanted.exists())
    finally:
        running.stop()
        thread.join(30)
    assert not thread.is_alive()
