"""What is told arrives as it was told; what is no message is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.runtime.router import messages
from cloudlayer.runtime.router.messages import (
    Done,
    Elsewhere,
    Entry,
    Fault,
    Grant,
    Heard,
    Held,
    Hello,
    Leave,
    Message,
    Reason,
    Recall,
    Refusal,
    Report,
    Return,
    Table,
    Want,
    decode,
    encode,
)

seconds = st.floats(0, 1e9)
text = st.text(max_size=8)
entries = st.builds(Entry, timeout=seconds, idempotent=st.booleans())
callers = st.tuples(text, st.lists(text, max_size=3).map(tuple))
told: st.SearchStrategy[Message] = st.one_of(
    *(st.builds(kind) for kind in (Elsewhere, Fault, Heard, Leave, Reason, Refusal)),
    st.builds(Grant, entry=entries),
    st.builds(Want, seconds=seconds),
    st.builds(Return, leases=st.lists(text, max_size=3).map(tuple)),
    st.builds(Recall, leases=st.lists(text, max_size=3).map(tuple)),
    st.builds(
        Hello,
        held=st.lists(st.builds(Held), max_size=2).map(tuple),
        faults=st.lists(st.builds(Fault), max_size=2).map(tuple),
        left=st.dictionaries(text, seconds, max_size=2),
    ),
    st.builds(Report, done=st.lists(st.builds(Done, seconds=seconds), max_size=2).map(tuple)),
    st.builds(Table, versions=st.dictionaries(text, entries, max_size=2), callers=st.dictionaries(text, callers, max_size=2)),
)


@given(told)
def test_a_message_is_one_line_and_arrives_as_it_was_sent(message: Message) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"kind":"nonsense"}', b'{"kind":"want"}', b'{"kind":"hello","held":[1]}'])
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(line)


def test_the_secrets_of_a_line_are_not_shown() -> None:
    assert "s3cret" not in repr(Hello("machine", "s3cret", "instance"))
    assert messages.LINE_LIMIT > 1024
