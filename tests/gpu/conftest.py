"""Processes that hold memory of the GPU that is at hand, through the driver's own library; nothing else is needed."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

HOLDER = Path(__file__).with_name("holder.py")


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/gpu" in str(item.path):
            item.add_marker(pytest.mark.gpu)


class Holder:
    """A process that holds so many MiB of device 0, filled with a pattern."""

    def __init__(self, mebibytes, environment=None):
        self._process = subprocess.Popen(
            [sys.executable, str(HOLDER), str(mebibytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.pid = self._process.pid
        self.said = self._process.stdout.readline().strip()

    def check(self):
        """Whether the pattern is still what it holds: "same" or "changed"."""
        self._process.stdin.write("check\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    @property
    def lives(self):
        return self._process.poll() is None

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


@pytest.fixture
def hold():
    """Starts holders, and ends them."""
    with ExitStack() as stack:

        def start(mebibytes, environment=None):
            made = Holder(mebibytes, environment)
            stack.callback(made.close)
            return made

        yield start
