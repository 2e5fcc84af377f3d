"""A dynamic provider whose things are JSON files in the folder of the environment variable SHELF.

A file "calls" beside them lists what was called, in order. A file "fail-create" makes creates raise; "die-create" has the next
create kill the plug-in, "die-both" the engine with it (the plug-in's parent), both before anything is made. While there is a
file "hold-creates" or "hold-deletes" these wait, half a minute at most. A label in a file means that thing alone.
"""

import json
import os
import signal
import time
import uuid
from pathlib import Path
from typing import Any

import pulumi
from pulumi import dynamic

FORCING = ("kind", "place")
COMPARED = (*FORCING, "size", "password")


class ShelfProvider(dynamic.ResourceProvider):
    """`size` and `password` can be changed; `kind` replaces, `place` replaces with the old thing away first."""

    serialize_as_secret_always = False

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        self._folder = Path(os.environ["SHELF"])
        self._owner = req.config.get("owner")

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        self._called(f"check {news['label']}{' anew' if not olds else ''}")
        size = news.get("size")
        bad = isinstance(size, float) and size < 0
        failures = [dynamic.CheckFailure("size", f"{size:g} is negative")] if bad else []
        return dynamic.CheckResult({"kind": "box", **news}, failures)

    def diff(self, id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        differ = [key for key in COMPARED if olds.get(key) != news.get(key)]
        replaces = [key for key in differ if key in FORCING]
        return dynamic.DiffResult(bool(differ), replaces, delete_before_replace="place" in replaces)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        self._called(f"create {props['label']}")
        self._trip(props["label"])
        name = uuid.uuid4().hex
        return dynamic.CreateResult(name, self._write(name, props))

    def read(self, id: str, props: dict[str, Any]) -> dynamic.ReadResult:
        file = self._folder / f"{id}.json"
        if not file.exists():
            return dynamic.ReadResult("", {})
        return dynamic.ReadResult(id, {**props, **json.loads(file.read_text())})

    def update(self, id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        self._called(f"update {news['label']}")
        return dynamic.UpdateResult(self._write(id, news))

    def delete(self, id: str, props: dict[str, Any]) -> None:
        self._called(f"delete {props['label']}")
        self._wait_while("hold-deletes", props["label"])
        (self._folder / f"{id}.json").unlink()

    def _write(self, id: str, props: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in props.items() if not key.startswith("__")}
        thing = kept | {"owner": self._owner, "size_type": type(props.get("size")).__name__, "tag": f"{kept['label']}#{id}"}
        (self._folder / f"{id}.json").write_text(json.dumps(thing))
        return thing

    def _asked(self, file: str, label: str) -> bool:
        try:
            return (self._folder / file).read_text() in ("", label)
        except FileNotFoundError:
            return False

    def _wait_while(self, file: str, label: str) -> None:
        until = time.monotonic() + 30
        while self._asked(file, label) and time.monotonic() < until:
            time.sleep(0.02)

    def _trip(self, label: str) -> None:
        self._wait_while("hold-creates", label)
        if self._asked("fail-create", label):
            self._called(f"refuse {label}")
            raise RuntimeError("no room on the shelf")
        for file, victims in (("die-create", [os.getpid()]), ("die-both", [os.getppid(), os.getpid()])):
            if (self._folder / file).exists():
                (self._folder / file).unlink()
                for victim in victims:
                    os.kill(victim, signal.SIGKILL)

    def _called(self, what: str) -> None:
        with (self._folder / "calls").open("a") as calls:
            calls.write(what + "\n")


class Thing(dynamic.Resource, name="Thing"):
    """A thing on the shelf."""

    label: pulumi.Output[str]
    size: pulumi.Output[float]
    tag: pulumi.Output[str]
    owner: pulumi.Output[str]
    size_type: pulumi.Output[str]
    password: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **props: Any) -> None:
        computed = dict.fromkeys(("tag", "owner", "size_type"))
        super().__init__(ShelfProvider(), name, {"label": name, "password": None, "size": None, **computed, **props}, opts)
