"""The registry that CLOUDLAYER_REGISTRY names. The engines speak to it themselves, by the controller user's "docker login".

A machine's engine is handed the credentials with each request, and keeps none.
"""

from __future__ import annotations

from collections.abc import Callable

from cloudlayer.errors import EngineError, NotFound, PermissionDenied
from cloudlayer.interfaces import Deadline, ReplicaSpec
from cloudlayer.interfaces.host import Host
from cloudlayer.runtime.docker.builder import Builder
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.pulling import pull, untag
from cloudlayer.runtime.docker.registry import VARIABLE


class Configured:
    """A registry, with the path below which images go: "registry.example:5000/team"."""

    def __init__(self, address: str) -> None:
        self._address = address

    def find(self, reference: str, daemon: Daemon) -> tuple[str, ...]:
        """Ask the registry, by an engine that has to reach it anyway."""
        name, tag = self._name(reference)
        daemon.client.reload_config()
        try:
            found = daemon.call("asking the registry", daemon.client.inspect_distribution, f"{name}:{tag}")
        except (NotFound, EngineError, PermissionDenied):
            return ()  # many refuse to speak of what is not there; a push tells whether that was it
        return (str(found["Descriptor"]["digest"]),)

    def publish(self, spec: ReplicaSpec, reference: str, builder: Builder, deadline: Deadline | None) -> tuple[str, ...]:
        """Have the engine build and push it."""
        builder.build(spec, deadline)
        return self.push(reference, builder.daemon)

    def push(self, reference: str, daemon: Daemon) -> tuple[str, ...]:
        """Have the engine push it: layers that the registry has are not sent."""
        name, tag = self._name(reference)
        what, digest = f"pushing the image {name}:{tag}", ""
        daemon.client.reload_config()
        daemon.call("naming an image", daemon.client.tag, reference, name, tag, force=True)
        try:
            for event in daemon.stream(what, daemon.client.push, name, tag=tag, stream=True):
                digest = event.get("aux", {}).get("Digest", digest)
        except EngineError as error:
            mend = f'check {VARIABLE}, and log in by "docker login" as the user of the controller'
            raise EngineError(f"{what}: {error}; {mend}") from error
        finally:
            untag(daemon, f"{name}:{tag}")
        if not digest:
            raise EngineError(f"{what}: the engine does not say what became of it; see its log")
        return (digest,)

    def deliver(
        self, reference: str, published: Callable[[], tuple[str, ...]], daemon: Daemon, host: Host, deadline: Deadline | None
    ) -> None:
        """Have the machine's engine pull it."""
        manifests = published()
        if not manifests:
            return
        name, tag = self._name(reference)
        daemon.client.reload_config()
        pull(daemon, name, digest=manifests[-1])
        daemon.call(
            "naming an image", daemon.client.tag, f"{name}@{manifests[-1]}", reference.rpartition(":")[0], tag, force=True
        )
        untag(daemon, f"{name}@{manifests[-1]}")

    def close(self) -> None:
        """Nothing is held."""

    def _name(self, reference: str) -> tuple[str, str]:
        name, _, tag = reference.rpartition(":")
        return f"{self._address}/{name.replace('/', '-')}", tag
