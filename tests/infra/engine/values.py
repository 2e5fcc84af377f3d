"""Property values: on the wire they are protobuf structs with signatures, here plain Python with `Secret` around secrets.

An unknown (a value that only the update will know) is the SDK's sentinel, a string, on both sides.
"""

import base64
import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc

UNKNOWN = rpc.UNKNOWN
SIGNATURE = rpc._special_sig_key
SECRET = rpc._special_secret_sig
RESOURCE = rpc._special_resource_sig
OUTPUT = rpc._special_output_value_sig

Properties = dict[str, Any]


@dataclass(frozen=True)
class Secret:
    """A value that must not be shown, nor written in clear."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(…)"


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """A struct as the SDK or a plug-in sent it; nulls are left out, as the engine does."""
    plain = json_format.MessageToDict(struct)
    return {key: _from_wire(value) for key, value in plain.items() if value is not None}


def _from_wire(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_wire(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(SIGNATURE) == SECRET:
        return Secret(_from_wire(value.get("value")))
    if value.get(SIGNATURE) == OUTPUT:
        inner = _from_wire(value.get("value", UNKNOWN))
        return Secret(inner) if value.get("secret") else inner
    return {key: _from_wire(item) for key, item in value.items() if item is not None}


def to_struct(properties: Mapping[str, Any], *, secrets: bool, references: bool = True) -> struct_pb2.Struct:
    """A struct to send. Without `secrets` they go in clear; without `references` a resource goes as its id (or URN)."""
    struct = struct_pb2.Struct()
    struct.update({key: _to_wire(value, secrets, references) for key, value in properties.items()})
    return struct


def _to_wire(value: Any, secrets: bool, references: bool) -> Any:
    if isinstance(value, Secret):
        inner = _to_wire(value.value, secrets, references)
        return {SIGNATURE: SECRET, "value": inner} if secrets else inner
    if isinstance(value, list):
        return [_to_wire(item, secrets, references) for item in value]
    if isinstance(value, dict):
        if value.get(SIGNATURE) == RESOURCE and not references:
            return value.get("id") or (UNKNOWN if "id" in value else value["urn"])
        return {key: _to_wire(item, secrets, references) for key, item in value.items()}
    return value


def clear(value: Any) -> Any:
    """The value without its secret marks, at any depth."""
    return _to_wire(value, secrets=False, references=True)


def holds_secret(value: Any) -> bool:
    """Whether a secret is in it, at any depth."""
    if isinstance(value, dict):
        return any(holds_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_secret(item) for item in value)
    return isinstance(value, Secret)


def keep_secrets(new: Properties, known: Mapping[str, Any], also: Iterable[str] = ()) -> Properties:
    """`new` with the marks that a plug-in without secrets lost: on every name that is secret in `known`, and on `also`."""
    marked = {key: _keep_secret(value, known[key]) if key in known else value for key, value in new.items()}
    named = {key: Secret(marked[key]) for key in also if key in marked and not isinstance(marked[key], Secret)}
    return marked | named


def _keep_secret(value: Any, known: Any) -> Any:
    if isinstance(value, dict) and isinstance(known, dict):
        return keep_secrets(value, known)
    return Secret(value) if holds_secret(known) and not isinstance(value, Secret) else value


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the properties that differ, sorted; a secret mark alone is no difference."""
    keys = old.keys() | new.keys()
    return tuple(sorted(key for key in keys if clear(old.get(key)) != clear(new.get(key))))


class Seal:
    """Seals secrets for the state file with a key that lies in a file of its own beside it. Hides; is no cryptography."""

    def __init__(self, key: Path) -> None:
        if not key.exists():
            key.write_bytes(os.urandom(32))
        self._key = key.read_bytes()

    def close(self, value: Any) -> Any:
        """A JSON value with every secret sealed."""
        if isinstance(value, Secret):
            text = json_format.MessageToJson(to_struct({"value": value.value}, secrets=True), indent=None)
            nonce = os.urandom(16)
            return {SIGNATURE: SECRET, "sealed": base64.b64encode(nonce + self._mix(nonce, text.encode())).decode()}
        if isinstance(value, dict):
            return {key: self.close(item) for key, item in value.items()}
        return [self.close(item) for item in value] if isinstance(value, list) else value

    def open(self, value: Any) -> Any:
        """What `close` was given."""
        if isinstance(value, dict) and value.get(SIGNATURE) == SECRET:
            sealed = base64.b64decode(value["sealed"])
            text = self._mix(sealed[:16], sealed[16:]).decode()
            return Secret(from_struct(json_format.Parse(text, struct_pb2.Struct())).get("value"))
        if isinstance(value, dict):
            return {key: self.open(item) for key, item in value.items()}
        return [self.open(item) for item in value] if isinstance(value, list) else value

    def _mix(self, nonce: bytes, data: bytes) -> bytes:
        stream = hashlib.shake_256(self._key + nonce).digest(len(data))
        return bytes(a ^ b for a, b in zip(data, stream, strict=True))
