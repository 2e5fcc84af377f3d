"""`cloudlayer deploy`: a fleet changes under its callers, and none of them notices."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from .deployment import Deployment, manifest, until

LINES = 'name = "change/Word"\nversion = "1.0.0"\nscale = { min = 1, max = 3, concurrency = 4 }'


def word(text: str) -> str:
    return f"import time\ndef apply(input):\n    time.sleep(0.02)\n    return {text!r}\n"


class Callers:
    """Call one function again and again, from two threads, until told to stop."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.answers: list[str] = []
        self.failures: list[Exception] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(2)]
        for thread in self._threads:
            thread.start()

    def _call(self) -> None:
        function = self.deployment.client().algo("change/Word")  # each client keeps a file and connections open for good
        while not self._stop.is_set():
            try:
                self.answers.append(function.pipe(None).result)
            except Exception as error:
                self.failures.append(error)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)


def test_a_changed_source_replaces_the_replicas_without_a_failed_call(deployment: Deployment) -> None:
    fleet = manifest(deployment.folder, "changed", LINES, code=word("one"))
    deployment.up(fleet)
    assert deployment.call("change/Word") == "one"
    before = deployment.pids()
    callers = Callers(deployment)
    try:
        until(lambda: len(callers.answers) > 20, 10, "calls are answered")
        manifest(deployment.folder, "changed", LINES, code=word("two"))
        assert set(callers.answers) == {"one"}, "what was deployed runs, not what the folder became"
        deployment.run("deploy", fleet, "--yes")
        until(lambda: callers.answers[-1] == "two", 30, "the new form answers")
        until(lambda: not before & deployment.pids(), 30, "the old replica is gone")
        answered = len(callers.answers)
        until(lambda: len(callers.answers) > answered + 20, 10, "calls are answered")
    finally:
        callers.stop()
    assert callers.failures == []
    assert set(callers.answers[answered:]) == {"two"}


def test_a_version_that_is_taken_out_is_gone_and_one_that_is_added_serves(deployment: Deployment) -> None:
    old, new = (LINES.replace("1.0.0", version) for version in ("1.0.0", "1.1.0"))
    fleet = manifest(deployment.folder, "versions", old, code=word("word"))
    deployment.up(fleet)
    assert deployment.call("change/Word/1.0.0") == "word"
    deployment.run("deploy", manifest(deployment.folder, "versions", new, code=word("new word")), "--yes")
    until(lambda: {one["version"] for one in deployment.replicas()} == {"1.1.0"}, 30, "the new version alone runs")
    assert deployment.call("change/Word/1.*") == "new word"
    assert deployment.post("change/Word/1.0.0", json=1).json()["error"]["code"] == 1001


def test_another_version_takes_over_under_load_without_a_failed_call(deployment: Deployment) -> None:
    old, new = (LINES.replace("1.0.0", version) for version in ("1.0.0", "1.1.0"))
    deployment.up(manifest(deployment.folder, "rolling", old, code=word("old")))
    callers = Callers(deployment)
    try:
        until(lambda: len(callers.answers) > 20, 10, "calls are answered")
        deployment.run("deploy", manifest(deployment.folder, "rolling", new, code=word("new")), "--yes")
        until(lambda: callers.answers[-1] == "new", 30, "the new version answers")
        until(lambda: {one["version"] for one in deployment.replicas()} == {"1.1.0"}, 30, "the new version alone runs")
        answered = len(callers.answers)
        until(lambda: len(callers.answers) > answered + 20, 10, "calls are answered")
    finally:
        callers.stop()
    assert callers.failures == []
    assert set(callers.answers[answered:]) == {"new"}


@pytest.mark.parametrize(
    ("lines", "code", "why"),
    [
        ("health = { tries = 2 }", "def load():\n    raise RuntimeError('no such model')\n", "no such model"),
        ('health = { path = "/nowhere", within = "1s", tries = 2 }', "", "GET /nowhere answered 404"),
    ],
)
def test_a_version_that_fails_is_rolled_back_by_itself_under_load_and_says_why(
    deployment: Deployment, lines: str, code: str, why: str
) -> None:
    old, new = (LINES.replace("1.0.0", version) for version in ("1.0.0", "1.1.0"))
    deployment.up(manifest(deployment.folder, "bad", old, code=word("old")))
    callers = Callers(deployment)
    try:
        until(lambda: len(callers.answers) > 20, 10, "calls are answered")
        bad = manifest(deployment.folder, "bad", f"{new}\n{lines}", code=word("new") + code)
        deployment.run("deploy", bad, "--yes")
        told = until(lambda: [one for one in events(deployment) if one["kind"] == "rolled back"], 60, "it is rolled back")
        answered = len(callers.answers)
        until(lambda: len(callers.answers) > answered + 20, 10, "calls are answered")
    finally:
        callers.stop()
    assert why in told[0]["message"]
    assert callers.failures == []
    assert set(callers.answers) == {"old"}
    until(lambda: {one["version"] for one in deployment.replicas()} == {"1.0.0"}, 30, "the old version alone runs")


def events(deployment: Deployment) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = deployment.document("events")
    return found
