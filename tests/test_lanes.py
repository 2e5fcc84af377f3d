"""Targets of their own look for their tests only where these are: none may lie elsewhere, where nobody would run it."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PATHS = dict(re.findall(r"^test-([a-z-]+): PATHS \?= (.+)$", (HERE.parent / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("lane", sorted(PATHS.keys() - {"pulumi-openstack"}))
def test_every_test_of_a_lane_lies_where_its_target_looks(lane: str) -> None:
    mark = re.compile(rf"\bmark\.{lane}\b")
    marked = [path.relative_to(HERE.parent) for path in HERE.rglob("*.py") if mark.search(path.read_text())]
    assert marked
    looked = [Path(path) for path in PATHS[lane].split()]
    assert [path for path in marked if not any(path.is_relative_to(one) for one in looked)] == []
