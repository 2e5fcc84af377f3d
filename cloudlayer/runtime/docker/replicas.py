"""Replicas, read from their containers: their states, how they ended, and where they serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cloudlayer.errors import NotFound
from cloudlayer.interfaces import Deadline, LogLine, ReplicaState, ReplicaStatus
from cloudlayer.labels import MACHINE
from cloudlayer.runtime.docker import states
from cloudlayer.runtime.docker.addresses import Addresses
from cloudlayer.runtime.docker.containers import REPLICA, container_name
from cloudlayer.runtime.docker.daemon import Daemon, seconds
from cloudlayer.runtime.docker.records import Records
from cloudlayer.runtime.lines import last, last_asked, of_chunks

_OOM_SECONDS: Final = 10


class Replicas:
    """The replicas of one machine, as its Docker Engine has them."""

    def __init__(self, daemon: Daemon, machine: str, records: Records) -> None:
        self._daemon = daemon
        self._client = daemon.client
        self._machine = machine
        self._records = records
        self._addresses = Addresses(daemon.host)

    def inspect(self, id: str) -> dict[str, Any] | None:
        """The replica's container; None if it is not there or another machine's."""
        try:
            name = container_name(id)
            container: dict[str, Any] = self._daemon.call("looking at a container", self._client.inspect_container, name)
        except NotFound:
            return None
        labels = container["Config"].get("Labels") or {}
        return container if labels.get(MACHINE) == self._machine and labels.get(REPLICA) == id else None

    def wait_there(self, id: str, inner: str, deadline: Deadline) -> None:
        """Wait on the machine until the replica takes calls at `inner` or ends, for some seconds at most."""
        with self._daemon.until(deadline):
            container = self.inspect(id)
            if container is not None and states.is_running(container):
                self._addresses.wait(container["Id"], inner, container["State"]["Pid"], deadline)

    def get(self, id: str, deadline: Deadline | None, *, look: bool) -> ReplicaStatus | None:
        """The replica as its container is now; `look` is whether to see if one that was not ready takes calls by now."""
        with self._daemon.until(deadline):
            container = self.inspect(id)
            return None if container is None else self.status(id, container, look=look)

    def status(self, id: str, container: dict[str, Any], *, look: bool = False) -> ReplicaStatus:
        """The replica of an inspected container."""
        labels = container["Config"]["Labels"]
        if not states.was_started(container):
            return states.waiting(id, container["Id"], labels)
        if states.is_running(container):
            return self._running(id, container["Id"], container["NetworkSettings"]["Networks"], labels, look=look)
        self._addresses.forget(container["Id"])
        last = next((line.text for line in reversed(self.tail(container["Id"], 20)) if line.text.strip()), "")
        beyond = self._ran_out_of_memory(container)
        return states.ended(container, out_of_memory=beyond, last_line=last, mark=self._records.mark(id))

    def listed(self, summaries: Sequence[dict[str, Any]]) -> list[ReplicaStatus]:
        """The replicas of listed containers. Which of them take calls is seen at once."""
        places = {summary["Id"]: states.serving_at(summary["NetworkSettings"]["Networks"]) for summary in summaries}
        self._addresses.look({container: inner for container, inner in places.items() if inner})
        found = (self._listed(summary) for summary in summaries)
        return [status for status in found if status is not None]

    def forget(self, container: str) -> None:
        """A container is gone: nothing leads to it any more."""
        self._addresses.forget(container)

    def _listed(self, summary: dict[str, Any]) -> ReplicaStatus | None:
        labels = summary["Labels"]
        if summary["State"] == "running":
            return self._running(labels[REPLICA], summary["Id"], summary["NetworkSettings"]["Networks"], labels)
        return self.get(labels[REPLICA], None, look=False)

    def _running(
        self, id: str, container: str, networks: dict[str, Any], labels: dict[str, str], *, look: bool = False
    ) -> ReplicaStatus:
        """A running replica: ready once its port accepts. Another machine's is reached by a way that leads there."""
        inner, here = states.serving_at(networks), self._daemon.host.is_here
        if inner is None:
            return states.waiting(id, container, labels)
        ready = self._addresses.is_ready(container, inner, look=look)
        return ReplicaStatus(
            id,
            ReplicaState.READY if ready else ReplicaState.STARTING,
            self._addresses.lead(container, inner) if here or ready else None,
            container,
            labels=labels,
            inner_address=None if here else inner,
        )

    def _ran_out_of_memory(self, container: dict[str, Any]) -> bool:
        """Whether it took too much. On some engines the flag tells of the first process alone, events of all."""
        state = container["State"]
        if state["OOMKilled"] or state["ExitCode"] == 0:
            return bool(state["OOMKilled"])
        ended = seconds(state["FinishedAt"])
        # An end in the past: the engine would go on listening otherwise.
        window = {"since": int(ended) - _OOM_SECONDS, "until": f"{self._daemon.now():.9f}"}
        filters = {"container": [container["Id"]], "event": ["oom"]}
        events = self._daemon.stream("reading events", self._client.events, filters=filters, **window)
        return next(events, None) is not None

    def tail(self, container: str, count: int, call: str | None = None) -> Sequence[LogLine]:
        """The last lines that a container wrote, of one call if that is named; none if it is gone."""

        def ask(asked: int) -> list[bytes]:
            return list(of_chunks([self._daemon.call("reading a log", self._client.logs, container, tail=asked)]))

        try:
            if call is None:
                return last_asked(ask, count)
            chunks = self._daemon.read("reading a log", self._client.logs, container, stream=True, follow=False)
            return last(of_chunks(chunks), count, call)
        except NotFound:
            return []
