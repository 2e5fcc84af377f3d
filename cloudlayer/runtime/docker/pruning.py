"""Room for images on a machine, and on this host, which builds them: when a disk is nearly full, those used longest ago go.

An image goes only if we built it there or brought it, and no container is made of it. When each was last asked for stands in a
folder on the controller's disk, a file an image.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cloudlayer.errors import CloudLayerError, Conflict, EngineError, NotFound
from cloudlayer.interfaces.host import Host
from cloudlayer.runtime.docker.build import MADE_BY, PART
from cloudlayer.runtime.docker.daemon import Daemon

MARK: Final = 0.85
"""How full the disk may be, as a fraction, before unused images go."""
SPARED: Final = 600.0
"""Seconds for which an image that was asked for stays in any case: its container may be about to be made."""

_log = logging.getLogger(__name__)


class Pruning:
    """The images of one machine, by when they were last used. Where others use its engine too, theirs are let be: `shared`."""

    def __init__(self, host: Host, daemon: Daemon, folder: Path, *, shared: bool = False) -> None:
        self._shared = shared
        self._host = host
        self._daemon = daemon
        self._folder = folder

    def used(self, reference: str) -> None:
        """Note that an image is asked for now."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(reference)
        path.touch(mode=0o600)
        if self._shared:
            path.write_text(reference)

    def pulled(self, reference: str) -> None:
        """Note that an image, which bears no label of ours, was brought by us."""
        self._path(reference).write_text(reference)

    def fullness(self) -> float:
        """How full the disk is that the engine keeps images on, from 0 to 1; 0 where the machine does not tell."""
        root = self._daemon.call("looking for the engine's folder", self._daemon.client.info)["DockerRootDir"]
        try:
            said = self._host.run(["df", "-B1", "--output=size,avail", root])
        except EngineError as error:
            _log.info("%s does not tell how full its disk is: %s", self._host.name, error)
            return 0.0
        size, available = map(int, said.split()[-2:])
        return 1.0 - available / max(1, size)

    def make_room(self, check: Callable[[str], None], *, at_any_mark: bool = False) -> bool:
        """Remove unused images until the disk is below the mark, or, with `at_any_mark`, all; whether any went."""
        went = False
        while at_any_mark or self.fullness() > MARK:
            check("removing unused images")
            if not (went_now := self._remove_oldest(all_of_them=at_any_mark)):
                break
            went = went or went_now
            if at_any_mark:
                break
        return went

    def _remove_oldest(self, *, all_of_them: bool) -> bool:
        removed = False
        for reference in self._unused():
            if self._remove(reference):
                removed = True
                if not all_of_them:
                    break
        return removed

    def _unused(self) -> list[str]:
        """Those that may go, the one used longest ago first."""
        now = time.time()
        last = {reference: self._last_used(reference) for reference in (*self._ours(), *self._noted())}
        return sorted((each for each, used in last.items() if now - used > SPARED), key=lambda each: last[each])

    def _ours(self) -> list[str]:
        found: list[dict[str, Any]] = []
        if self._shared:
            return []
        for label in (MADE_BY, PART):
            found += self._daemon.call("listing images", self._daemon.client.images, filters={"label": label})
        return [(image.get("RepoTags") or [image["Id"]])[0].replace("<none>:<none>", image["Id"]) for image in found]

    def _noted(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        found = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another thread has removed it
                found.append(path.read_text())
        return [reference for reference in found if reference]

    def _remove(self, reference: str) -> bool:
        used = self._last_used(reference)
        if time.time() - used <= SPARED:  # since it was chosen
            return False
        try:
            self._daemon.call("removing an image", self._daemon.client.remove_image, reference)
        except (NotFound, Conflict):  # gone already; or a container is made of it
            return False
        except CloudLayerError as error:
            _log.info("the image %s stays on %s: %s", reference, self._host.name, error)
            return False
        _log.info("the unused image %s was removed from %s", reference, self._host.name)
        if self._last_used(reference) == used:  # else it is about to be brought again
            self._path(reference).unlink(missing_ok=True)
        return True

    def _last_used(self, reference: str) -> float:
        try:
            return self._path(reference).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def _path(self, reference: str) -> Path:
        return self._folder / hashlib.sha256(reference.encode()).hexdigest()[:32]


def of_this_host(daemon: Daemon, cache: Path) -> Pruning:
    """The images of this host's engine, whether it builds for all, runs replicas, or both."""
    return Pruning(daemon.host, daemon, cache / "docker" / "images", shared=True)
