"""Recorded Azure traffic.

The cassettes in the source distributions of older azure-mgmt packages, which are under the MIT licence.

They are downloaded with pip when they are first wanted, pinned by their hashes, into a folder that stays: CLOUDLAYER_CACHE,
or one below the user's cache. Nothing of them is in this repository.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from tests.fakes.arm.swagger import plain

PINS = {
    "azure-mgmt-compute==17.0.0": "c7350b404e5d10a548ceddb034394c8fad6c852ce33a3d3b211065813c1da404",
    "azure-mgmt-network==16.0.0": "6159a8c44590cc58841690c27c7d4acb0cd9ad0a1e5178c1d35e0f48e3c3c0e9",
    "azure-mgmt-network==13.0.0": "084b4253ef61e26a72cad3eb00e7adbfd0e54cf738498392e70d73a21d294c09",
    "azure-mgmt-monitor==1.0.1": "04bd89d74fe47f966b09e3256ffefcfa5c1a51057a6b33c092afe5ae17a1a7b7",
}
"""What pip downloads, and the SHA-256 that it must have."""

PATIENCE = 120
"""Seconds that one download may take."""


@dataclass
class Interaction:
    """One recorded request and its answer."""

    method: str
    url: str
    request: str | None
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def key(self):
        """What a live request is matched by."""
        return key(self.method, self.url)

    @property
    def is_poll(self):
        """Whether this asks how a long-running operation stands."""
        path = self.key[1]
        operation = re.search(r"/\w*operation(s|results|statuses)/", path)
        return bool(operation) or not ("providers" in path or "resourcegroups" in path)

    @property
    def asked(self):
        """The request's body as JSON; None where it is empty."""
        return json.loads(self.request) if self.request else None

    @property
    def answered(self):
        """The answer's body as JSON; None where it is empty."""
        return json.loads(self.body) if self.body else None


def key(method, url):
    """A method and a path as they are compared: without case, host and query."""
    return method, plain(url).lower()


@cache
def missing():
    """Why the recordings cannot be had here; empty if they can."""
    try:
        for pin in PINS:
            _fetched(pin)
    except (OSError, subprocess.SubprocessError) as error:
        return f"the recordings of Azure's traffic cannot be had with pip: {type(error).__name__}"
    return ""


@cache
def tapes():
    """The cassettes' interactions in order, by names such as compute-17.0.0/test_mgmt_compute.test_vms."""
    return {name: _parsed(text) for pin in PINS for name, text in _texts(pin)}


def load(part):
    """The interactions of the one cassette of this name, or whose name has this part."""
    found = [name for name in tapes() if part in name]
    if part not in found and len(found) != 1:
        raise LookupError(f"{part!r} names {len(found)} cassettes: {', '.join(found) or 'none'}")
    return tapes()[part if part in found else found[0]]


def _folder():
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("CLOUDLAYER_CACHE") or home / "cloudlayer") / "recordings"


def _fetched(pin):
    """The source distribution of a pin, downloaded where it is not there yet. pip holds it against its hash."""
    found = _held(pin)
    if found is None:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        wanted = folder / f"{pin.replace('==', '-')}.txt"
        wanted.write_text(f"{pin} --hash=sha256:{PINS[pin]}\n")
        options = [
            "-q",
            "--no-deps",
            "--no-binary",
            ":all:",
            "--require-hashes",
            "--disable-pip-version-check",
            "--retries",
            "1",
        ]
        command = [sys.executable, "-m", "pip", "download", *options, "-r", wanted, "-d", folder]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
        found = _held(pin)
    if found is None:
        raise FileNotFoundError(f"pip left no source distribution of {pin}")
    return found


def _held(pin):
    name, version = pin.split("==")
    stems = [f"{form}-{version}{end}" for form in (name, name.replace("-", "_")) for end in (".zip", ".tar.gz")]
    return next((_folder() / stem for stem in stems if (_folder() / stem).exists()), None)


def _texts(pin):
    label, path = pin.removeprefix("azure-mgmt-").replace("==", "-"), _fetched(pin)
    for name, text in sorted(_unpacked(path)):
        yield f"{label}/{Path(name).stem}", text


def _unpacked(path):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            yield from ((name, archive.read(name)) for name in archive.namelist() if _is_cassette(name))
        return
    with tarfile.open(path) as archive:
        yield from ((member.name, archive.extractfile(member).read()) for member in archive if _is_cassette(member.name))


def _is_cassette(name):
    return "/recordings/" in name and name.endswith(".yaml")


def _parsed(text):
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [_interaction(item["request"], item["response"]) for item in yaml.load(text, Loader=loader)["interactions"]]


def _interaction(request, response):
    sent, body = request.get("body"), response["body"].get("string") or b""
    sent = sent.decode() if isinstance(sent, bytes) else sent
    while sent and sent[:2] in ("b'", 'b"'):  # some recorders wrote how Python shows bytes, even twice
        sent = ast.literal_eval(sent).decode()
    headers = {
        name.lower(): value[0] if isinstance(value, list) else str(value)
        for name, value in (response.get("headers") or {}).items()
    }
    body = body.encode() if isinstance(body, str) else body
    return Interaction(request["method"], request["uri"], sent, response["status"]["code"], headers, body)
