"""Option texts that stand for more than a word: labels, openings, listeners, targets, policies.

InvalidSpec says how one is written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.units import parse_duration, parse_size

_STEP: Final = re.compile(r"([a-z0-9-]+)=([+-]\d+)(?:@(\d+(?:\.\d+)?))?", re.ASCII)
_BOUNDS: Final = re.compile(r"(.+)=(\d+)\.\.(\d+)", re.ASCII)
_KINDS: Final = ("instance", "address", "group")


def labels(texts: Iterable[str] | None) -> dict[str, str]:
    """Labels from "KEY=VALUE"."""
    return dict(_label(text) for text in texts or ())


def _label(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not (key and sign):
        raise InvalidSpec(f'--label: "{text}" is no label: write KEY=VALUE')
    return key, value


def content(path: Path, option: str) -> str:
    """The text of a file that an option names."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSpec(f"{option}: {path}: {getattr(error, 'strerror', 'it is not text')}") from None


def document(path: Path | None) -> dict[str, Any]:
    """What a spec file says; nothing without a file."""
    if path is None:
        return {}
    try:
        return tomllib.loads(content(path, "--file"))
    except tomllib.TOMLDecodeError as error:
        raise InvalidSpec(f"--file: {path} is not TOML: {error}") from None


def opening(text: str) -> dict[str, Any]:
    """An opening in the firewall from "443:0.0.0.0/0" or "53/udp:10.0.0.0/8"."""
    front, sign, source = text.partition(":")
    port, _, protocol = front.partition("/")
    if not (port.isdecimal() and sign and source):
        raise InvalidSpec(f'--open-port: "{text}" is no opening: write PORT:SOURCE, as in 443:0.0.0.0/0 or 53/udp:10.0.0.0/8')
    return {"port": int(port), "protocol": protocol or "tcp", "source": source}


def listener(text: str, certificate: str | None) -> dict[str, Any]:
    """A listener from "http:80:8080"; that of https has the certificate."""
    protocol, _, ports = text.partition(":")
    port, sign, target = ports.partition(":")
    if not (port.isdecimal() and (target.isdecimal() or not sign)):
        raise InvalidSpec(f'--listen: "{text}" is no listener: write PROTOCOL:PORT[:TARGET_PORT], as in http:80:8080')
    found: dict[str, Any] = {"protocol": protocol, "port": int(port), "target_port": int(target or port)}
    return found | ({"certificate": certificate} if protocol == "https" else {})


def target(text: str) -> tuple[str, str]:
    """A kind of target and its id from "instance:ID", "address:IP" or "group:ID"."""
    kind, sign, id_ = text.partition(":")
    if kind not in _KINDS or not (sign and id_):
        raise InvalidSpec(f'"{text}" is no target: write instance:ID, address:IP or group:ID')
    return kind, id_


def check(text: str) -> dict[str, Any]:
    """A health check from "tcp", "tcp:8080", "http:/path" or "http:8080/path"."""
    protocol, _, rest = text.partition(":")
    port, slash, path = rest.partition("/")
    if port and not port.isdecimal():
        raise InvalidSpec(f'--check: "{text}" is no health check: write tcp, tcp:PORT, http:/PATH or http:PORT/PATH')
    found: dict[str, Any] = {"protocol": protocol}
    return found | ({"port": int(port)} if port else {}) | ({"path": slash + path} if slash else {})


def step(text: str) -> dict[str, Any]:
    """A step policy from "out=+2", or from "out=+2@75" for one that is taken when CPU use crosses 75 percent."""
    match = _STEP.fullmatch(text)
    if match is None:
        raise InvalidSpec(f'--step: "{text}" is no step: write NAME=+2 or NAME=-1, and @75 after it for a CPU use in percent')
    name, change, threshold = match.groups()
    found: dict[str, Any] = {"kind": "step", "name": name, "change": int(change)}
    return found | ({"metric": "cpu_percent", "threshold": float(threshold)} if threshold else {})


def track(text: str) -> dict[str, Any]:
    """A target-tracking policy from "cpu_percent=60"."""
    metric, _, target = text.partition("=")
    try:
        return {"kind": "target_tracking", "metric": metric, "target": float(target)}
    except ValueError:
        raise InvalidSpec(f'--track: "{text}" is no target: write METRIC=NUMBER, as in cpu_percent=60') from None


def schedule(text: str) -> dict[str, Any]:
    """A scheduled size from "0 8 * * 1-5=2..10"."""
    match = _BOUNDS.fullmatch(text)
    if match is None:
        raise InvalidSpec(f'--schedule: "{text}" is no schedule: write CRON=MIN..MAX, as in "0 8 * * 1-5=2..10" (UTC)')
    return {"kind": "scheduled", "cron": match[1].strip(), "min": int(match[2]), "max": int(match[3])}


def size(text: str, option: str) -> int:
    """Bytes."""
    try:
        return parse_size(text)
    except ValueError as error:
        raise InvalidSpec(f"{option}: {error}") from None


def duration(text: str, option: str) -> float:
    """Seconds."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidSpec(f"{option}: {error}") from None


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given: those that are not nothing, which a 0 is not."""
    return {name: value for name, value in values.items() if value is not None and value is not False and value not in ([], {})}
