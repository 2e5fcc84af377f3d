"""What a router is told: the versions that it may ask places of, and the replicas of its machine that call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from cloudlayer.fleet.routes import Credential, Routes, VersionRoute
from cloudlayer.runtime.router.messages import Entry, Table


class Tables:
    """The tables of all machines' routers, from one snapshot that is gone through once."""

    def __init__(self, routes: Routes, references: Mapping[str, str]) -> None:
        self._credentials = defaultdict[str, list[Credential]](list)
        for credential in routes.credentials:
            self._credentials[credential.machine].append(credential)
        self._routes = defaultdict[str, list[VersionRoute]](list)
        for route in routes.versions:
            self._routes[route.function].append(route)
        self._machines = {
            (route.function, route.version): {replica.machine for replica in route.replicas} for route in routes.versions
        }
        self._names = defaultdict[str, list[str]](list)
        for name, key in references.items():
            self._names[key].append(name)

    def of(self, machine: str) -> Table:
        """The table of one machine's router.

        It asks for places of what has a replica there, and of what has none anywhere: the first one may come up there. Calls of
        all else come through here anyway. Only functions that replicas there may call are in it.
        """
        callers = {each.digest: (each.name, each.callable or ()) for each in self._credentials.get(machine, ())}
        called = {function for _, functions in callers.values() for function in functions}
        versions = {
            f"{route.function}/{route.version}": Entry(route.timeout, route.idempotent)
            for function in called
            for route in self._routes.get(function, ())
            if not route.replicas or machine in self._machines[route.function, route.version]
        }
        return Table(versions, {name: key for key in versions for name in self._names.get(key, ())}, callers)
