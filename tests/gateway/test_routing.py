from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.functions.versions import select
from cloudlayer.gateway.routing import references, unknown

numbers = st.integers(0, 12)
versions = st.builds("{}.{}.{}".format, numbers, numbers, numbers)
patterns = st.none() | versions | st.builds("{}.*".format, numbers) | st.builds("{}.{}.*".format, numbers, numbers) | st.text()


@given(st.sets(versions, min_size=1), patterns)
def test_the_table_answers_as_versions_select_does(known: set[str], wanted: str | None) -> None:
    table = references(frozenset(("a/F", version) for version in known))
    chosen = select(wanted, known)
    assert table.get("a/F" if wanted is None else f"a/F/{wanted}") == (chosen and f"a/F/{chosen}")


def test_versions_are_ordered_by_number() -> None:
    table = references(frozenset({("a/F", "1.9.0"), ("a/F", "1.10.0"), ("a/G", "3.0.0")}))
    assert table["a/F"] == table["a/F/1.*"] == "a/F/1.10.0"


def test_an_unknown_version_is_told_with_those_there_are() -> None:
    error = unknown("a/F/2.*", references(frozenset({("a/F", "1.9.0"), ("a/F", "1.10.0")})))
    assert error.code == 1001
    assert error.message == "No such algorithm: a/F/2.*; there are a/F/1.10.0, a/F/1.9.0"
    assert unknown("b/X", {}).message == "No such algorithm: b/X"


def test_a_version_that_is_to_prove_itself_is_named_by_what_names_no_other():
    versions = frozenset({("a/F", "1.0.0"), ("a/F", "1.1.0"), ("a/F", "2.0.0")})
    table = references(versions, frozenset({("a/F", "1.1.0"), ("a/F", "2.0.0")}))
    assert table["a/F"] == table["a/F/1.*"] == table["a/F/1.0.*"] == "a/F/1.0.0"
    assert table["a/F/1.1.0"] == table["a/F/1.1.*"] == "a/F/1.1.0"
    assert table["a/F/2.*"] == "a/F/2.0.0"
