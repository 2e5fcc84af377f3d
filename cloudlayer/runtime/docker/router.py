"""The router of a machine, in a container of its own: it is there before the first replica that may call others.

It has the machine's network, since replicas are reached at their addresses on the bridges, and of the machine's files the
folders of its sockets alone.
"""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from docker.types import LogConfig, Mount

from cloudlayer.errors import Conflict, EngineError, NotFound
from cloudlayer.interfaces import Deadline, MachineContext, ReplicaSpec, RouterSpec
from cloudlayer.labels import MACHINE
from cloudlayer.runtime.docker.daemon import Daemon, one_line, seconds
from cloudlayer.runtime.docker.images import Images
from cloudlayer.runtime.sources import router_snapshot

ROUTER: Final = "cloudlayer-router"
"""The label of a router's container."""
USER: Final = 65532
"""Whom a router runs as: replicas that name no user of their own are 65534."""

LISTENING: Final = b"listening at "
"""What a router says once it serves."""

_MEMORY: Final = 768 * 1024**2
_PROCESSES: Final = 16
_GRACE: Final = 30
_START_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.1
_COMMAND: Final = ("python3", "-m", "cloudlayer_machine.router")


class Routers:
    """Keeps the router of one machine, whose source is put together in its cache."""

    def __init__(self, daemon: Daemon, images: Images, machine: MachineContext) -> None:
        self._daemon = daemon
        self._client = daemon.client
        self._images = images
        self._machine = machine
        self._lock = threading.Lock()
        self._kept: tuple[int, str] | None = None

    def keep(self, spec: RouterSpec, deadline: Deadline | None) -> None:
        """See that the router runs, in its newest form. It is looked at once a connection: Docker starts one that ends."""
        with self._lock:
            connection = self._daemon.host.connection
            if self._kept == (connection, spec.token):
                return
            image = self._images.ensure(_image_spec(spec, self._machine.cache), deadline).reference
            name = f"{ROUTER}-{_short(spec.machine)}-{_short(image)}"
            self._make_folders(spec.folder)
            self._start(name, image, spec)
            self._await(name)
            self._remove_others(name, spec)
            self._kept = connection, spec.token

    def _make_folders(self, folder: Path) -> None:
        """Those that it writes to; the others are there since the ways to the gateway are."""
        for name, mode in (("g", "0755"), ("j", "0700")):
            command = ["install", "-d", "-m", mode, "-o", str(USER), "-g", str(USER), str(folder / name)]
            self._daemon.host.run(command, root=True)

    def _start(self, name: str, image: str, spec: RouterSpec) -> None:
        with suppress(Conflict):  # it is there, or is being made
            self._daemon.call("creating the router", self._client.create_container, **self._form(name, image, spec))
        try:
            self._daemon.call("starting the router", self._client.start, name)
        except NotFound as error:
            raise EngineError(f"the router {name} was removed while it was about to be started") from error

    def _await(self, name: str) -> None:
        """Wait until it serves: a replica that is there before it would call in vain."""
        until = time.monotonic() + _START_SECONDS
        while True:
            state = self._daemon.call("looking at the router", self._client.inspect_container, name)["State"]
            window = {"since": int(seconds(state["StartedAt"]))}
            said: bytes = self._daemon.call("reading the router's log", self._client.logs, name, **window)
            if state["Running"] and LISTENING in said:
                return
            if time.monotonic() > until:
                reason = one_line(said.decode("utf-8", "replace"))[-300:]
                mend = "its base image needs Python 3.11, or turn it off by router = false of the fleet"
                raise EngineError(f"the router {name} does not come up: {mend}. It said: {reason}")
            self._daemon.check("waiting for the router")
            time.sleep(_LOOK_SECONDS)

    def _remove_others(self, name: str, spec: RouterSpec) -> None:
        """Those of another form end their calls first; new ones come to this one already."""
        filters = {"label": [f"{ROUTER}={spec.machine}", f"{MACHINE}={self._machine.id}"]}
        for found in self._daemon.call("listing routers", self._client.containers, all=True, filters=filters):
            if f"/{name}" not in found["Names"]:
                with suppress(NotFound, Conflict):
                    self._daemon.call("stopping a router", self._client.stop, found["Id"], timeout=_GRACE)
                    self._daemon.call("removing a router", self._client.remove_container, found["Id"], force=True, v=True)

    def _form(self, name: str, image: str, spec: RouterSpec) -> dict[str, Any]:
        mounts = [_mount(spec.folder, each, read_only=each in "ul") for each in "gulj"]
        limits = self._client.create_host_config(
            network_mode="host",
            mem_limit=_MEMORY,
            memswap_limit=_MEMORY,
            pids_limit=_PROCESSES,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=True,
            init=True,
            restart_policy={"Name": "always"},
            log_config=LogConfig(type="json-file", config={"max-size": "10m", "max-file": "2"}),
            mounts=mounts,
        )
        return {
            "image": image,
            "name": name,
            "command": list(_COMMAND),
            "entrypoint": [],
            "user": f"{USER}:{USER}",
            "environment": _environment(spec, name),
            "labels": {**spec.labels, ROUTER: spec.machine, MACHINE: self._machine.id},
            "host_config": limits,
            "use_config_proxy": False,
        }


def _environment(spec: RouterSpec, name: str) -> dict[str, str]:
    return {
        "HOME": "/nonexistent",
        "PYTHONPATH": "/function",
        "CLOUDLAYER_MACHINE": spec.machine,
        "CLOUDLAYER_ROUTER_TOKEN": spec.token,
        "CLOUDLAYER_LISTEN": "/run/cloudlayer/g/g.sock",
        "CLOUDLAYER_GATEWAY": "/run/cloudlayer/u/g.sock",
        "CLOUDLAYER_LINE": "/run/cloudlayer/l/line.sock",
        # Each form has its own: two may run for a moment.
        "CLOUDLAYER_JOURNAL": f"/run/cloudlayer/j/{name}",
    }


def _mount(folder: Path, name: str, *, read_only: bool) -> Any:
    """A folder of sockets: one that is made anew is in it as well, which a socket that was mounted would not be."""
    return Mount(target=f"/run/cloudlayer/{name}", source=str(folder / name), type="bind", read_only=read_only)


def _image_spec(spec: RouterSpec, cache: Path) -> ReplicaSpec:
    source = router_snapshot(cache)
    return ReplicaSpec("router", "cloudlayer/router", source.name, cpu=1, memory=_MEMORY, source=source, labels=spec.labels)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
