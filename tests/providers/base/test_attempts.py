import re
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer import InstanceSpec, labels
from cloudlayer.errors import Conflict, InvalidSpec
from cloudlayer.providers.base.attempts import (
    PLAIN_LABELS,
    LabelLimits,
    adopted,
    checked_token,
    derive,
    fingerprint,
    native_name,
)

PARTS = st.lists(st.integers(0, 99), max_size=3)


@given(st.uuids(), PARTS, PARTS)
def test_derived_tokens_are_the_same_for_the_same_parts_alone(token, first, second):
    assert (derive(str(token), *first) == derive(str(token), *second)) == (first == second)
    assert UUID(derive(str(token), *first)) != token


def test_another_token_derives_others():
    assert derive(str(uuid4()), 1) != derive(str(uuid4()), 1)


@pytest.mark.parametrize("token", ["", "attempt-1", "1234", None, 7])
def test_a_token_that_is_no_uuid_is_refused_with_the_mend(token):
    with pytest.raises(InvalidSpec, match="make one with uuid"):
        checked_token(token)


def test_a_token_has_one_form():
    token = uuid4()
    assert checked_token(token.hex.upper()) == checked_token(f"{{{token}}}") == str(token)


def test_fingerprints_differ_with_the_specs_and_their_order():
    plain, named, labelled = InstanceSpec(), InstanceSpec(name="a"), InstanceSpec(labels={"a": "b"})
    batches = [[], [plain], [plain, plain], [plain, named], [named, plain], [labelled]]
    assert len({fingerprint(batch) for batch in batches}) == len(batches)
    same = [InstanceSpec(labels={"a": "1", "b": "2"}), InstanceSpec(labels={"b": "2", "a": "1"})]
    assert fingerprint(same[:1]) == fingerprint(same[1:])


@given(st.from_regex(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True) | st.none(), st.uuids(), st.integers(20, 63))
def test_a_native_name_fits_and_is_the_tokens_own(name, token, longest):
    native = native_name(name, str(token), longest)
    assert re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", native)
    assert len(native) <= longest
    assert native == native_name(name, token.hex, longest)
    assert native != native_name(name, str(uuid4()), longest)
    assert native.startswith((name or "cl")[: longest - 17].rstrip("-"))


@dataclass
class Twin:
    id: str
    created_at: str | None = None
    labels: dict[str, str] = field(default_factory=lambda: {labels.SPEC: "same"})


def test_of_twins_the_oldest_is_adopted_in_whatever_order_they_are_listed():
    twins = [Twin("b", "2026-01-02"), Twin("c", "2026-01-01"), Twin("a", "2026-01-02")]
    assert {adopted(order, "same", provider="p").id for order in (twins, twins[::-1])} == {"c"}
    assert adopted([Twin("b"), Twin("a")], "same", provider="p").id == "a"
    assert adopted([], "same", provider="p") is None


def test_a_token_of_another_spec_is_a_conflict():
    with pytest.raises(Conflict, match="a changed spec is a new attempt") as caught:
        adopted([Twin("a")], "other", provider="p")
    assert (caught.value.provider, caught.value.code) == ("p", "TokenReused")


def test_labels_that_every_cloud_takes_pass():
    PLAIN_LABELS.check({"team": "vision", "cloudlayer-owner": uuid4().hex, "empty": ""})


@pytest.mark.parametrize("wrong", [{"Team": "a"}, {"team": "A"}, {"1st": "a"}, {"": "a"}, {"team": "x" * 64}, {"a b": "c"}])
def test_labels_that_some_cloud_refuses_are_told_with_the_rule(wrong):
    with pytest.raises(InvalidSpec, match="at most 63"):
        PLAIN_LABELS.check(wrong)


def test_a_line_break_after_a_label_is_no_label():
    with pytest.raises(InvalidSpec):
        PLAIN_LABELS.check({"team\n": "a"})


@pytest.mark.parametrize("name", [labels.TOKEN, labels.SPEC])
def test_the_labels_of_an_attempt_are_set_by_the_provider_alone(name):
    with pytest.raises(InvalidSpec, match="set by cloudlayer itself"):
        PLAIN_LABELS.check({name: "mine"})


def test_too_many_labels_are_refused():
    with pytest.raises(InvalidSpec, match="61 are too many"):
        PLAIN_LABELS.check({f"l{number}": "" for number in range(61)})


def test_names_that_are_one_to_a_cloud_without_case_are_refused():
    caseless = LabelLimits(re.compile(r"\w+"), re.compile(r"\w*"), most=9, rule="words", caseless=True)
    caseless.check({"Team": "a", "part": "b"})
    with pytest.raises(InvalidSpec, match="differ in case alone"):
        caseless.check({"Team": "a", "team": "b"})
