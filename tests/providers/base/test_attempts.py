from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer import InstanceSpec, labels
from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.base.attempts import PLAIN_LABELS, checked_token, derive, fingerprint

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


def test_labels_that_every_cloud_takes_pass():
    PLAIN_LABELS.check({"team": "vision", "cloudlayer-owner": uuid4().hex, "empty": ""})


@pytest.mark.parametrize("wrong", [{"Team": "a"}, {"team": "A"}, {"1st": "a"}, {"": "a"}, {"team": "x" * 64}, {"a b": "c"}])
def test_labels_that_some_cloud_refuses_are_told_with_the_rule(wrong):
    with pytest.raises(InvalidSpec, match="at most 63"):
        PLAIN_LABELS.check(wrong)


def test_a_line_break_after_a_label_is_no_label():
    with pytest.raises(InvalidSpec):
        PLAIN_LABELS.check({"team\n": "a"})


def test_the_token_is_set_by_the_provider_alone():
    with pytest.raises(InvalidSpec, match="set by cloudlayer itself"):
        PLAIN_LABELS.check({labels.TOKEN: "mine"})


def test_too_many_labels_are_refused():
    with pytest.raises(InvalidSpec, match="61 are too many"):
        PLAIN_LABELS.check({f"l{number}": "" for number in range(61)})
