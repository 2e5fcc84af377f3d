"""Globs: what a pattern matches, and what every match starts with."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.storage.globs import expression, literal_prefix


def matches(glob, name):
    return re.fullmatch(expression(glob), name, re.DOTALL) is not None


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("*.csv", ["a.csv", ".csv", "\n.csv"], ["a/b.csv", "a.csvx"]),
        ("a/*/c", ["a/b/c", "a//c"], ["a/c", "a/b/b/c"]),
        ("?", ["a", "ü", "\U0001f600"], ["", "/", "ab"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "x", "-x"]),
        ("[!a-c]x", ["dx", "^x"], ["ax", "/x"]),
        ("[]]", ["]"], ["[", ""]),
        ("[^a]", ["^", "a"], ["b"]),
        ("[\\w]", ["\\", "w"], ["a"]),
        ("[/a]b", ["ab"], ["/b"]),
        ("[a", ["[a"], ["a"]),
        ("**", ["a", "a/b/c", ""], []),
        ("**/x", ["x", "a/x", "a/b/x"], ["ax", "a/bx"]),
        ("a/**/x", ["a/x", "a/b/x", "a/b/c/x"], ["ax", "b/a/x"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b"]),
        ("a.b+(c)|d", ["a.b+(c)|d"], ["axb+(c)|d", "d"]),
    ],
)
def test_a_pattern_matches_what_it_says(glob, yes, no):
    assert [name for name in yes if not matches(glob, name)] == []
    assert [name for name in no if matches(glob, name)] == []


@given(st.text(), st.text())
def test_every_pattern_is_one_and_what_it_matches_starts_with_its_beginning(glob, name):
    if matches(glob, name):
        assert name.startswith(literal_prefix(glob))


@given(st.text(alphabet=st.characters(exclude_characters="*?[")))
def test_a_name_without_patterns_matches_itself_alone(name):
    assert matches(name, name)
    assert not matches(name, f"{name}x")
    assert literal_prefix(name) == name
