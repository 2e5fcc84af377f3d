"""A source folder's requirements.txt, installed once into a content-addressed folder that its replicas share.

Installing may run code of the packages that are installed, as the user that cloudlayer runs as: name packages that you trust.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.files import alone

_log = logging.getLogger(__name__)
_CREDENTIALS: Final = re.compile(r"://[^/@\s]+@")
_LOCAL: Final = re.compile(r"^\s*(-|\.|/|file:)|@\s*file:", re.MULTILINE)
_PASSED: Final = ("PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "LC_", "LANG", "PATH", "HOME", "TMPDIR", "USER")
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_NAME: Final = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)(?!\S*:)", re.MULTILINE)
_LAST_LINES: Final = 4
_POLL: Final = 0.1


def requirements_folder(source: Path, cache: Path, deadline: Deadline | None = None) -> Path | None:
    """The folder with what `source` requires, installed now if it is not there; None if it requires nothing.

    Raises EngineError with pip's last words if they cannot be installed.
    """
    listed = source / "requirements.txt"
    if not listed.is_file() or not _needs_anything(listed.read_text(encoding="utf-8")):
        return None
    place = cache / "requirements" / _digest(source, listed)
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with alone(place.with_suffix(".lock"), "waiting for another installation of the same requirements", deadline):
        if not place.is_dir():
            _install(source, listed, place, deadline)
    return place


def _needs_anything(text: str) -> bool:
    return any(line.strip() and not line.strip().startswith("#") for line in text.splitlines())


def _names(text: str) -> list[str]:
    """The packages by name alone: an index's address can hold a password."""
    return _NAME.findall(text)


def _digest(source: Path, listed: Path) -> str:
    """Names what would be installed: the requirements, for this Python, and the folder itself if they speak of files."""
    text = listed.read_text(encoding="utf-8")
    local = source.name if _LOCAL.search(text) else ""
    named = "\n".join([sys.implementation.cache_tag or "", sysconfig.get_platform(), local, text])
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def _install(source: Path, listed: Path, place: Path, deadline: Deadline | None) -> None:
    for left in place.parent.glob(f".new-{place.name}-*"):  # an installation that was killed
        shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=f".new-{place.name}-", dir=place.parent))
    try:
        _log.info("installing requirements: %s", ", ".join(_names(listed.read_text(encoding="utf-8"))))
        _pip(["install", "--target", str(made), "-r", str(listed)], source, deadline)
        made.chmod(0o755)
        made.rename(place)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _pip(arguments: list[str], folder: Path, deadline: Deadline | None) -> None:
    quiet = ["--no-input", "--disable-pip-version-check", "--no-warn-script-location", "--progress-bar=off"]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pip", *arguments, *quiet],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            umask=0o022,
        )
        try:
            _wait(process, deadline)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode != 0:
            output.seek(0)
            raise EngineError(_complaint(output.read().decode("utf-8", "replace")))


def _wait(process: subprocess.Popen[bytes], deadline: Deadline | None) -> None:
    while True:
        try:
            process.wait(_POLL if deadline else None)
        except subprocess.TimeoutExpired:
            if deadline is not None and (deadline.cancelled.is_set() or deadline.remaining() <= 0):
                raise TransientError("out of time while requirements were installed", code="deadline") from None
        else:
            return


def _complaint(output: str) -> str:
    if "No module named pip" in output:
        return f"requirements cannot be installed: {sys.executable} has no pip; run: {sys.executable} -m ensurepip"
    lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith("[notice]")]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    said = _CREDENTIALS.sub("://***@", " | ".join(errors[-_LAST_LINES:]))
    return f"requirements.txt cannot be installed; mend it or the way to the package index: {said}"


def _environment() -> dict[str, str]:
    """What pip may know of ours: how to reach an index, and no key of any cloud."""
    return {name: value for name, value in os.environ.items() if name.startswith(_PASSED) or name.lower() in _PROXIES}
