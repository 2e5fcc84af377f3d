"""Building images of source folders on one engine, once for the same content."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import sys
import tempfile
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, Any, Final

from docker.types import LogConfig

from cloudlayer.errors import EngineError, NotFound, TransientError
from cloudlayer.interfaces import Deadline, ReplicaSpec
from cloudlayer.labels import OWNER
from cloudlayer.runtime.docker.build import (
    COMPILE,
    MADE_BY,
    PROBE,
    REQUIREMENTS,
    Base,
    code_files,
    dockerfile,
    environment,
    environment_of,
    large_files,
    layer_of,
    normalized,
    required,
    tag_of,
    write_context,
    write_environment,
)
from cloudlayer.runtime.docker.daemon import Daemon, one_line
from cloudlayer.runtime.docker.networks import Networks
from cloudlayer.runtime.docker.pruning import Pruning
from cloudlayer.runtime.docker.pulling import full, pull
from cloudlayer.runtime.docker.records import locked
from cloudlayer.runtime.requirements import requirements_folder
from cloudlayer.runtime.sources import snapshot

BASE_IMAGE: Final = "CLOUDLAYER_BASE_IMAGE"
DEFAULT_BASE_IMAGE: Final = "python:3.11-slim"
_IN_MEMORY: Final = 64 * 1024**2
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")

_log = logging.getLogger(__name__)


def base_name() -> str:
    """The base image that functions are built on."""
    return os.environ.get(BASE_IMAGE) or DEFAULT_BASE_IMAGE


def label_of(spec: ReplicaSpec) -> str:
    """What the label MADE_BY of an image says."""
    return f"{spec.function}/{spec.version}"


class Builder:
    """Builds by one engine. What is built or fetched by one thread or process is waited for by the others.

    `cache` holds the locks and snapshots of sources; pip in a build works on one of `networks`; `pruning` makes room for what
    is built.
    """

    def __init__(self, daemon: Daemon, cache: Path, networks: Networks, pruning: Pruning) -> None:
        self.daemon = daemon
        self._pruning = pruning
        self._cache = cache
        self._networks = networks
        # Other machines that share the cache have engines of their own.
        self._engine = hashlib.sha256(daemon.host.name.encode()).hexdigest()[:8]

    def name(self, spec: ReplicaSpec, base_id: str) -> str:
        """What the image of a source folder on a base is called."""
        return tag_of(base_id, self.source(spec).name)

    def base(self) -> str:
        """The id of the base image, fetched if it is not there."""
        found: str = self.fetched(base_name())["Id"]
        return found

    def build(self, spec: ReplicaSpec, deadline: Deadline | None) -> str:
        """The name of the image of a source folder, which is there now."""
        base_id, source = self.base(), self.source(spec)
        tag = tag_of(base_id, source.name)
        self._pruning.used(tag)
        if self.look(tag) is None:
            with self.lock(f"{tag} {self._engine}", f"waiting for the image of {spec.function} to be built"):
                if self.look(tag) is None:
                    self._build(spec, tag, base_id, source, deadline)
        return tag

    def environment(self, spec: ReplicaSpec, deadline: Deadline | None) -> str:
        """The name of an image of all that a replica needs but its source, which is there now."""
        base_id, source = self.base(), self.source(spec)
        base = self._probed(base_id)
        requirements = required(source) if (source / REQUIREMENTS).is_file() else {}
        recipe = environment(base_id, base, requirements=bool(requirements))
        tag = environment_of(recipe, requirements)
        self._pruning.used(tag)
        if self.look(tag) is None:
            with self.lock(f"{tag} {self._engine}", f"waiting for the environment of {spec.function} to be built"):
                if self.look(tag) is None:
                    packages = None if base.pip else self._packages(source, base, deadline)
                    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as context:
                        write_environment(context, recipe, requirements, packages)
                        options = self._options(spec, tag, by_pip=base.pip and bool(requirements))
                        self._run_build(f"building the environment of {spec.function}/{spec.version}", context, options)
        return tag

    def code(self, spec: ReplicaSpec, environment: str, layer: IO[bytes]) -> None:
        """Write the layer of a source's code, compiled in a container of its environment, which can reach nothing."""
        source, client, doing = self.source(spec), self.daemon.client, f"compiling {spec.function}/{spec.version}"
        name = f"cloudlayer-code-{hashlib.sha256(f'{self._folder()}{source.name}{environment}'.encode()).hexdigest()[:20]}"
        form = client.create_host_config(network_mode="none", log_config=LogConfig())
        options = {"host_config": form, "labels": {MADE_BY: "code"}, "use_config_proxy": False}
        self._remove(name)  # what a controller that was killed may have left
        try:
            self.daemon.call(
                doing, client.create_container, environment, ["python3", "-c", COMPILE, "/function"], name=name, **options
            )
            self.daemon.call(doing, client.put_archive, name, "/", layer_of(source, code_files(source)))
            self.daemon.call(doing, client.start, name)
            code = self.daemon.call(doing, client.wait, name)["StatusCode"]
            if code != 0:
                said = self.daemon.call(doing, client.logs, name).decode("utf-8", "replace")
                raise EngineError(f"{doing}: it ended with code {code}: {one_line(said)[-200:]}")
            archive, _ = self.daemon.call(doing, client.get_archive, name, "/function", encode_stream=False)
            normalized(archive, layer)
        finally:
            self._remove(name)

    def look(self, reference: str) -> dict[str, Any] | None:
        """The image of that name or id; None if it is not there."""
        doing = f"looking for the image {reference}"
        try:
            found: dict[str, Any] = self.daemon.call(doing, self.daemon.client.inspect_image, reference)
        except NotFound:
            return None
        return found

    def fetched(self, reference: str) -> dict[str, Any]:
        """The image of that name, pulled from its own registry if it is not there."""
        found = self.look(reference)
        if found is None:
            with self.lock(f"{reference} {self._engine}", f"waiting for the image {reference} to be pulled"):
                found = self.look(reference)
                if found is None:
                    pull(self.daemon, reference)
                    found = self.look(reference)
        if found is None:
            raise TransientError(f"the image {reference} was removed while it was about to be used", provider="docker")
        return found

    def lock(self, what: str, doing: str) -> AbstractContextManager[int]:
        """Held by one of all who share the cache; `doing` is what the others say meanwhile."""
        path = self._folder() / (re.sub(r"[^A-Za-z0-9._-]", "_", what)[-150:] + ".lock")
        return locked(path, self.daemon.check, doing)

    def source(self, spec: ReplicaSpec) -> Path:
        """The snapshot of a replica's source folder; EngineError if it has none."""
        if spec.source is None:
            raise EngineError(f"{spec.function}/{spec.version}: has neither an image nor a source; give one")
        return snapshot(spec.source, self._cache, spec.source_digest)

    def _folder(self) -> Path:
        folder = self._cache / "docker"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def _build(self, spec: ReplicaSpec, tag: str, base_id: str, source: Path, deadline: Deadline | None) -> None:
        base = self._probed(base_id)
        packages = None if base.pip else self._packages(source, base, deadline)
        by_pip = base.pip and (source / REQUIREMENTS).is_file()
        required = by_pip or packages is not None
        recipe = dockerfile(base_id, base, requirements=required, large=len(large_files(source)))
        options = self._options(spec, tag, by_pip=by_pip)
        what = f"building the image of {spec.function}/{spec.version}"
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as context:
            write_context(context, recipe, source, packages)
            self._run_build(what, context, options)

    def _options(self, spec: ReplicaSpec, tag: str, *, by_pip: bool) -> dict[str, Any]:
        return {
            "tag": tag,
            "custom_context": True,
            "rm": True,
            "forcerm": True,
            "labels": {MADE_BY: label_of(spec)},
            "network_mode": self._networks.ensure(True, spec.labels.get(OWNER, "")) if by_pip else "none",
            "use_config_proxy": False,
        }

    def _run_build(self, what: str, context: IO[bytes], options: dict[str, Any]) -> None:
        """Build, with unused images removed first where the disk is nearly full, and once more where it was."""
        _log.info("%s", what)
        self._pruning.make_room(self.daemon.check)
        try:
            self._run_once(what, context, options)
        except EngineError as error:
            if full(error, self.daemon.host.name) is None or not self._pruning.make_room(self.daemon.check, at_any_mark=True):
                raise
            _log.warning("%s: the disk was full; unused images were removed, and it is built again", what)
            self._run_once(what, context, options)

    def _run_once(self, what: str, context: IO[bytes], options: dict[str, Any]) -> None:
        lines: list[str] = []
        context.seek(0)
        try:
            for event in self.daemon.stream(what, self.daemon.client.build, fileobj=context, **options):
                lines += [line.strip() for line in _COLOUR.sub("", event.get("stream", "")).splitlines() if line.strip()]
        except EngineError as error:
            said = " | ".join(line for line in lines if line.startswith("ERROR"))[-800:]
            raise EngineError(f"{what}: {error}" + (f": {said}" if said else "")) from error
        for line in lines:
            _log.debug("%s: %s", what, line)

    def _packages(self, source: Path, base: Base, deadline: Deadline | None) -> Path | None:
        """The requirements as this host's Python installs them, for a base that cannot; None if there are none."""
        folder = requirements_folder(source, self._cache, deadline)
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        if folder is not None and base.version != here:
            fault = (
                f"the base image has Python {base.version} without pip, and Python {here} of this host cannot install for it"
            )
            raise EngineError(f"{fault}: set {BASE_IMAGE} to an image that has pip, or Python {here}")
        return folder

    def _probed(self, base_id: str) -> Base:
        """What a base image has. It is asked once; the answer is kept in the file that is locked meanwhile."""
        path = self._folder() / f"base-{base_id.removeprefix('sha256:')}.json"
        with locked(path, self.daemon.check, "waiting for another look into the base image") as descriptor:
            if not path.read_bytes():
                # Its name is this folder's own, as the lock is: several homes may use one engine.
                here = hashlib.sha256(f"{path}\n{base_id}".encode()).hexdigest()[:20]
                os.pwrite(descriptor, self._probe(base_id, f"cloudlayer-probe-{here}"), 0)
            return Base(**json.loads(path.read_bytes()))

    def _probe(self, base_id: str, name: str) -> bytes:
        """Ask a base image about its Python, by a container of that name that can do nothing."""
        client, doing = self.daemon.client, "looking into the base image"
        form = client.create_host_config(network_mode="none", cap_drop=["ALL"], read_only=True, log_config=LogConfig())
        options = {"host_config": form, "entrypoint": [], "labels": {MADE_BY: "probe"}, "use_config_proxy": False}
        self._remove(name)  # what a controller that was killed may have left
        try:
            self.daemon.call(doing, client.create_container, base_id, ["python3", "-c", PROBE], name=name, **options)
            self.daemon.call(doing, client.start, name)
            code = self.daemon.call(doing, client.wait, name, timeout=60)["StatusCode"]
            said: bytes = self.daemon.call(doing, client.logs, name)
        finally:
            self._remove(name)
        if code != 0:
            reason = one_line(said.decode("utf-8", "replace"))[-200:]
            raise EngineError(f"the base image has no Python 3 that works: set {BASE_IMAGE} to one that has. It said: {reason}")
        return said.splitlines()[-1]

    def _remove(self, name: str) -> None:
        with suppress(NotFound):
            self.daemon.call("removing a container", self.daemon.client.remove_container, name, force=True, v=True)
