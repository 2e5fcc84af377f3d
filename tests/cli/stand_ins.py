"""A stand-in for the fleets, so that the commands can be seen alone: what they show, when they ask, what they then do."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from cloudlayer.errors import InvalidSpec, NotFound
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.service import Preview
from cloudlayer.scheduler import Plan


def preview(plan=None, demands=(), *, kept=None, deleted=None, warnings=()):
    """What a manifest would change."""
    return Preview(plan or Plan(), tuple(demands), kept or {}, deleted or {}, tuple(warnings))


@dataclass
class Fleets:
    """Answers with what a test put into it, and keeps in `calls` what it was asked to do."""

    home: Path
    calls: list = field(default_factory=list)
    known: dict = field(default_factory=dict)  # fleet: (machines, replicas)
    clouds: Clouds = field(default_factory=Clouds)
    previews: Preview = field(default_factory=preview)
    events_: list = field(default_factory=list)
    entries: list = field(default_factory=list)
    lines: list = field(default_factory=list)
    missing: tuple = ()
    pid: int | None = None
    new_key: str | None = None

    @property
    def store(self):
        return SimpleNamespace(fleets=lambda: [SimpleNamespace(name=name) for name in self.known])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.calls.append("closed")

    def names(self):
        return list(self.known)

    def named(self, name):
        if name is None:
            if len(self.known) != 1:
                raise InvalidSpec("name a fleet by --fleet")
            return next(iter(self.known))
        if name not in self.known:
            raise NotFound(f"no fleet is called {name}")
        return name

    def preview(self, manifest, *, search=0.0):
        self.calls.append(("preview", manifest.fleet.name, search) if search else ("preview", manifest.fleet.name))
        return self.previews

    def deploy(self, manifest, preview=None):
        self.calls.append(("deploy", manifest.fleet.name))
        return 3

    def machines(self, fleet, *, ended=False):
        return self.known[fleet][0]

    def replicas(self, fleet, *, ended=False):
        return [replica for replica in self.known[fleet][1] if ended or replica.state.live]

    def status(self, fleet):
        return SimpleNamespace(settled=not self.missing, missing=self.missing)

    def running(self, fleet):
        return self.pid

    def logs(self, fleet, subject, *, tail=100, call=None):
        self.calls.append(("logs", fleet, subject, tail, call))
        return self.lines

    def events(self, fleet, *, after=0, limit=1000):
        self.calls.append(("events", fleet, after))
        return [event for event in self.events_ if event.number > after][:2]

    def ledger(self, fleet):
        return [entry for entry in self.entries if fleet in (None, entry.fleet)]

    def down(self, fleet, *, progress):
        self.calls.append(("down", fleet))
        for event in self.events_:
            progress(event)

    def ensure_key(self, text):
        self.calls.append(("ensure_key", text))
        return self.new_key
