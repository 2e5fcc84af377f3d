"""What a killed router's calls used is known to the next one."""

from __future__ import annotations

from pathlib import Path

from cloudlayer.runtime.router.journal import Journal


def opened(path: Path, now: float = 0.0) -> Journal:
    return Journal(path, lambda: now)


def test_the_next_one_finds_what_was_in_use_and_how_long_it_may_be(tmp_path: Path) -> None:
    first = opened(tmp_path / "j")
    first.told("first")
    first.begin("a-1", 5.0)
    first.begin("a-2", 60.0)
    first.begin("a-3", 60.0)
    first.end("a-2")
    then = opened(tmp_path / "j", now=10.0)
    assert (then.before, then.left) == ("first", {"a-3": 50.0})


def test_it_is_found_again_until_the_gateway_was_told(tmp_path: Path) -> None:
    first = opened(tmp_path / "j")
    first.told("first")
    first.begin("a-1", 60.0)
    second = opened(tmp_path / "j", now=1.0)
    second.begin("b-1", 60.0)
    third = opened(tmp_path / "j", now=2.0)
    assert (third.before, third.left) == ("first", {"a-1": 58.0, "b-1": 59.0})
    third.told("third")
    assert (third.before, third.left) == ("third", {})
    assert opened(tmp_path / "j").left == {}


def test_one_that_ended_well_leaves_nothing_behind(tmp_path: Path) -> None:
    first = opened(tmp_path / "j")
    first.told("first")
    first.close()
    assert opened(tmp_path / "j").before == ""


def test_its_file_is_closed_to_others(tmp_path: Path) -> None:
    opened(tmp_path / "j")
    assert (tmp_path / "j").stat().st_mode & 0o777 == 0o600
