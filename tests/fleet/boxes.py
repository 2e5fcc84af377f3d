"""Stand-ins for machines that are reached by SSH: what a fleet asks of them is answered from memory.

The clouds of the tests are stateful fakes whose machines exist on paper alone. What a real one answers is shown by tests/boot.
"""

from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.keys import Keys
from cloudlayer.interfaces import ReplicaState, ReplicaStatus

READY = "finished yes\nbooted yes\ndocker 27.5.1\nruntimes nvidia runc\ncores 64\nmemory 999999999\n"


class PaperHost:
    """A machine that answers every probe with `told`."""

    connected, is_here, reason, connection = True, False, "", 1

    def __init__(self, name, told):
        self.name = name
        self.told = told
        self.commands = []

    def run(self, command, *, input=b"", root=False, deadline=None):
        self.commands.append(list(command))
        return self.told.encode()


class PaperEngine:
    """An engine whose replicas are ready at once."""

    name = "docker"

    def __init__(self):
        self._replicas = {}

    def prepare(self, spec, *, deadline=None):
        """Nothing is to be fetched."""

    def start(self, spec, *, deadline=None):
        status = ReplicaStatus(spec.id, ReplicaState.READY, "unix:/nowhere", labels=spec.labels)
        return self._replicas.setdefault(spec.id, status)

    def wait(self, id, *, deadline):
        return self._replicas[id]

    def get(self, id, *, deadline=None):
        return self._replicas.get(id)

    def list(self, labels=None, *, deadline=None):
        return [one for one in self._replicas.values() if one.labels.items() >= (labels or {}).items()]

    def stop(self, id, *, grace=5.0, deadline=None):
        self._replicas.pop(id, None)

    def logs(self, id, *, tail=100, call=None):
        return []

    def close(self):
        """Nothing is held."""


class PaperReach:
    """Reaches every machine at once; `told` is what all of them answer."""

    def __init__(self, folder, told=READY):
        self._folder = folder
        self.told = told
        self.renewed = []
        self._hosts = {}
        self._engines = {}

    def keys(self, fleet):
        return Keys(self._folder / fleet)

    def host(self, machine):
        return self._hosts.setdefault((machine.fleet, machine.id), PaperHost(machine.id, self.told))

    def renew_host_key(self, machine, deadline):
        self.renewed.append(machine.id)

    def engine(self, machine, name):
        return self._engines.setdefault((machine.fleet, machine.id), PaperEngine())

    def unreachable(self):
        return frozenset()

    def reasons(self):
        return {}

    def forget(self, machine):
        self._hosts.pop((machine.fleet, machine.id), None)
        self._engines.pop((machine.fleet, machine.id), None)
        self.keys(machine.fleet).forget(machine.id)

    def close(self):
        """Nothing is held."""


def paper_clouds(connect, clock, folder, told=READY):
    """Clouds whose machines that are reached by SSH are on paper."""
    clouds = Clouds(connect, clock)
    clouds.reach = PaperReach(folder, told)
    return clouds
