from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.gateway.envelope import CallError, ReplicaAnswer, accepted, failure, result_of, success

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def opened(answer: ReplicaAnswer) -> tuple[object, str]:
    envelope = json.loads(success(answer, 0.25))
    assert envelope["metadata"]["duration"] == 0.25
    return envelope["result"], envelope["metadata"]["content_type"]


@given(values)
def test_a_json_result_arrives_as_it_was(value: object) -> None:
    assert opened(ReplicaAnswer(200, "application/json", json.dumps(value).encode())) == (value, "json")


@given(st.text())
def test_a_text_result_arrives_as_it_was(text: str) -> None:
    assert opened(ReplicaAnswer(200, "text/plain; charset=utf-8", text.encode("utf-8", "ignore"))) == (
        text.encode("utf-8", "ignore").decode(),
        "text",
    )


@given(st.binary())
def test_any_other_result_arrives_as_base64(body: bytes) -> None:
    result, kind = opened(ReplicaAnswer(200, "application/octet-stream", body))
    assert (base64.b64decode(str(result)), kind) == (body, "binary")


def test_an_answer_without_content_is_void() -> None:
    assert opened(ReplicaAnswer(204, "", b"")) == (None, "void")


@pytest.mark.parametrize("body", [b"", b"{", b"1 2", b'1,"error":{}', b"NaN", b'"\xff"', b"[" * 100_000])
def test_what_is_no_json_never_gets_into_an_envelope(body: bytes) -> None:
    with pytest.raises(CallError, match="said to be JSON and is not") as caught:
        success(ReplicaAnswer(200, "application/json", body), 0)
    assert caught.value.error_type == "AlgorithmError"


def test_text_that_is_not_utf_8_is_an_error_of_the_function() -> None:
    with pytest.raises(CallError, match="not UTF-8"):
        success(ReplicaAnswer(200, "text/plain", b"\xff"), 0)


def test_an_error_that_the_function_names_keeps_its_type_message_and_trace() -> None:
    body = b'{"error": {"message": "m", "error_type": "InputError", "stack_trace": "line 1"}}'
    with pytest.raises(CallError) as caught:
        result_of(ReplicaAnswer(500, "application/json", body))
    error = json.loads(failure(caught.value, "id"))["error"]
    assert error == {"message": "m", "error_type": "InputError", "stack_trace": "line 1", "request_id": "id"}


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b"oops"), (500, b"[]"), (500, b'{"error": "text"}'), (500, b'{"error": {}}'), (404, b""), (302, b""), (503, b"{}")],
)
def test_any_other_answer_is_an_algorithm_error(status: int, body: bytes) -> None:
    with pytest.raises(CallError, match=f"HTTP {status}") as caught:
        result_of(ReplicaAnswer(status, "", body))
    assert caught.value.error_type == "AlgorithmError"


def test_a_call_nobody_waits_for_is_told_by_its_request_id() -> None:
    assert json.loads(accepted("id")) == {"async": "void", "request_id": "id"}
