"""The images that replicas start from: pulled from a registry, or built from a source folder, once for the same content."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docker.types import LogConfig

from cloudlayer.errors import EngineError, NotFound, TransientError
from cloudlayer.interfaces import Deadline, ReplicaSpec
from cloudlayer.labels import OWNER
from cloudlayer.runtime.docker.build import PROBE, REQUIREMENTS, Base, dockerfile, tag_of, write_context
from cloudlayer.runtime.docker.daemon import Daemon, one_line
from cloudlayer.runtime.docker.networks import Networks
from cloudlayer.runtime.docker.records import locked
from cloudlayer.runtime.requirements import requirements_folder
from cloudlayer.runtime.sources import snapshot

BASE_IMAGE: Final = "CLOUDLAYER_BASE_IMAGE"
DEFAULT_BASE_IMAGE: Final = "python:3.11-slim"
MADE_BY: Final = "cloudlayer-function"
_IN_MEMORY: Final = 64 * 1024**2
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_NOT_KNOWN: Final = re.compile(r"not found|manifest unknown|does not exist|HTTP 404", re.IGNORECASE)
_REFUSED: Final = re.compile(r"unauthorized|authentication required|no basic auth|denied|forbidden|HTTP 40[13]", re.IGNORECASE)
_UNREACHABLE: Final = re.compile(
    r"dial tcp|no such host|connection refused|no route|timeout|deadline exceeded|unreachable|EOF|x509", re.IGNORECASE
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Image:
    """An image of this engine, and the user that it names ("" for root)."""

    reference: str
    user: str


class Images:
    """Fetches and builds images. What is being fetched or built by one thread or process is waited for by the others.

    `cache` holds the locks and snapshots of sources; pip in a build works on one of `networks`.
    """

    def __init__(self, daemon: Daemon, cache: Path, networks: Networks) -> None:
        self._daemon = daemon
        self._cache = cache
        self._networks = networks

    def ensure(self, spec: ReplicaSpec, deadline: Deadline | None) -> Image:
        """The image of a replica, fetched or built if it is not there."""
        if spec.image is not None:
            return _image(spec.image, self._fetched(spec.image))
        if spec.source is None:
            raise EngineError(f"{spec.function}/{spec.version}: has neither an image nor a source; give one")
        return self._of_source(spec, spec.source, deadline)

    def _of_source(self, spec: ReplicaSpec, folder: Path, deadline: Deadline | None) -> Image:
        base_image = os.environ.get(BASE_IMAGE) or DEFAULT_BASE_IMAGE
        base_id: str = self._fetched(base_image)["Id"]
        source = snapshot(folder, self._cache, spec.source_digest)
        tag = tag_of(base_id, source.name)
        found = self._look(tag)
        if found is None:
            with locked(self._lock_of(tag), self._daemon.check, f"waiting for the image of {spec.function} to be built"):
                found = self._look(tag) or self._build(spec, tag, base_id, source, deadline)
        return _image(tag, found)

    def _look(self, reference: str) -> dict[str, Any] | None:
        doing = f"looking for the image {reference}"
        try:
            found: dict[str, Any] = self._daemon.call(doing, self._daemon.client.inspect_image, reference)
        except NotFound:
            return None
        return found

    def _fetched(self, reference: str) -> dict[str, Any]:
        found = self._look(reference)
        if found is None:
            with locked(self._lock_of(reference), self._daemon.check, f"waiting for the image {reference} to be pulled"):
                found = self._look(reference)
                if found is None:
                    self._pull(reference)
                    found = self._look(reference)
        if found is None:
            raise TransientError(f"the image {reference} was removed while it was about to be used", provider="docker")
        return found

    def _lock_of(self, reference: str) -> Path:
        return self._folder() / (re.sub(r"[^A-Za-z0-9._-]", "_", reference)[-150:] + ".lock")

    def _folder(self) -> Path:
        folder = self._cache / "docker"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def _pull(self, reference: str) -> None:
        doing, last = f"pulling the image {reference}", ""
        _log.info(doing)
        try:
            for event in self._daemon.stream(doing, self._daemon.client.pull, reference, stream=True):
                if (status := event.get("status", "")) != last:
                    last = status
                    _log.info("%s: %s", reference, last)
        except NotFound as error:
            raise EngineError(_unknown(reference)) from error
        except EngineError as error:
            raise _pull_error(reference, str(error)) from error

    def _build(self, spec: ReplicaSpec, tag: str, base_id: str, source: Path, deadline: Deadline | None) -> dict[str, Any]:
        base = self._base(base_id)
        packages = None if base.pip else self._packages(source, base, deadline)
        by_pip = base.pip and (source / REQUIREMENTS).is_file()
        recipe = dockerfile(base_id, base, requirements=by_pip or packages is not None)
        owner = spec.labels.get(OWNER, "")
        options: dict[str, Any] = {
            "tag": tag,
            "custom_context": True,
            "rm": True,
            "forcerm": True,
            "labels": {MADE_BY: f"{spec.function}/{spec.version}"},
            "network_mode": self._networks.ensure(True, owner) if by_pip else "none",
            "use_config_proxy": False,
        }
        what = f"building the image of {spec.function}/{spec.version}"
        _log.info("%s", what)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as context:
            write_context(context, recipe, source, packages)
            context.seek(0)
            self._run_build(what, context, options)
        built = self._look(tag)
        if built is None:
            raise TransientError(f"{what}: the image was removed while it was about to be used", provider="docker")
        return built

    def _run_build(self, what: str, context: Any, options: dict[str, Any]) -> None:
        lines: list[str] = []
        try:
            for event in self._daemon.stream(what, self._daemon.client.build, fileobj=context, **options):
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

    def _base(self, base_id: str) -> Base:
        """What a base image has. It is asked once; the answer is kept in the file that is locked meanwhile."""
        path = self._folder() / f"base-{base_id.removeprefix('sha256:')}.json"
        with locked(path, self._daemon.check, "waiting for another look into the base image") as descriptor:
            if not path.read_bytes():
                # Its name is this folder's own, as the lock is: several homes may use one engine.
                here = hashlib.sha256(f"{path}\n{base_id}".encode()).hexdigest()[:20]
                os.pwrite(descriptor, self._probe(base_id, f"cloudlayer-probe-{here}"), 0)
            return Base(**json.loads(path.read_bytes()))

    def _probe(self, base_id: str, name: str) -> bytes:
        """Ask a base image about its Python, by a container of that name that can do nothing."""
        client, doing = self._daemon.client, "looking into the base image"
        form = client.create_host_config(network_mode="none", cap_drop=["ALL"], read_only=True, log_config=LogConfig())
        options = {"host_config": form, "entrypoint": [], "labels": {MADE_BY: "probe"}, "use_config_proxy": False}
        self._remove(name)  # what a controller that was killed may have left
        try:
            self._daemon.call(doing, client.create_container, base_id, ["python3", "-c", PROBE], name=name, **options)
            self._daemon.call(doing, client.start, name)
            code = self._daemon.call(doing, client.wait, name, timeout=60)["StatusCode"]
            said: bytes = self._daemon.call(doing, client.logs, name)
        finally:
            self._remove(name)
        if code != 0:
            reason = one_line(said.decode("utf-8", "replace"))[-200:]
            raise EngineError(f"the base image has no Python 3 that works: set {BASE_IMAGE} to one that has. It said: {reason}")
        return said.splitlines()[-1]

    def _remove(self, name: str) -> None:
        with suppress(NotFound):
            self._daemon.call("removing a container", self._daemon.client.remove_container, name, force=True, v=True)


def _image(reference: str, found: dict[str, Any]) -> Image:
    return Image(reference, str((found.get("Config") or {}).get("User") or ""))


def _unknown(reference: str) -> str:
    return (
        f"the image {reference} is not known to its registry, or is private: "
        'check its name and tag, or log in by "docker login" as the user of the controller'
    )


def _pull_error(reference: str, reason: str) -> EngineError | TransientError:
    """A registry's error, which Docker passes on as words alone."""
    if _NOT_KNOWN.search(reason):
        return EngineError(_unknown(reference))
    if _REFUSED.search(reason):
        mend = 'log in by "docker login" as the user of the controller'
        return EngineError(f"the registry of {reference} refuses these credentials: {mend} ({reason})")
    if _UNREACHABLE.search(reason):
        return TransientError(f"the registry of {reference} cannot be reached: {reason}", provider="docker", code="registry")
    return EngineError(f"the image {reference} cannot be pulled: {reason}")
