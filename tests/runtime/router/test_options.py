from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.gateway.envelope import CallError
from cloudlayer.runtime.router.options import Options, parse_content_type, parse_options, parse_reference, parse_request_id


def test_the_clients_own_options_are_understood() -> None:
    assert parse_options("") == Options(300.0, "json")
    assert parse_options("timeout=300&stdout=False") == Options(300.0, "json")
    assert parse_options("timeout=0.5&stdout=false&output=raw") == Options(0.5, "raw")
    assert parse_options("output=void") == Options(300.0, "void")


@pytest.mark.parametrize(
    "query", ["timeout=3001", "timeout=0", "timeout=-1", "timeout=", "timeout=nan", "timeout=1e3", "output=json", "colour=red"]
)
def test_an_option_that_cannot_be_honoured_is_an_input_error(query: str) -> None:
    with pytest.raises(CallError) as caught:
        parse_options(query)
    assert caught.value.error_type == "InputError"


def test_stdout_is_refused_with_the_place_to_read_it() -> None:
    with pytest.raises(CallError, match="cloudlayer logs"):
        parse_options("stdout=True")


@given(st.text())
def test_no_query_does_more_than_a_call_error(query: str) -> None:
    try:
        options = parse_options(query)
    except CallError:
        return
    assert 0 < options.timeout <= 3000


@pytest.mark.parametrize(
    "header", [b"application/json; charset=utf-8", b"text/plain", b"Application/Text", b"application/octet-stream"]
)
def test_content_types_of_the_protocol_are_passed_on(header: bytes) -> None:
    assert parse_content_type(header) == header


def test_a_body_without_a_type_is_json() -> None:
    assert parse_content_type(b"") == b"application/json"


@pytest.mark.parametrize(
    "header", [b"application/x-www-form-urlencoded", b"text/plain; \xff", b"text/plain;" + b"x" * 300, b";"]
)
def test_other_content_types_are_refused_with_those_there_are(header: bytes) -> None:
    with pytest.raises(CallError, match="application/json, text/plain"):
        parse_content_type(header)


def test_references_may_be_percent_encoded() -> None:
    assert parse_reference("nlp/Echo/1.%2A") == "nlp/Echo/1.*"
    assert parse_reference("nlp/Echo/") == "nlp/Echo"


def test_only_ids_that_can_stand_in_a_log_line_are_taken_from_callers() -> None:
    assert parse_request_id(b"job-7:a.b_c") == "job-7:a.b_c"
    assert parse_request_id(b'x", "event": "forged') is None
    assert parse_request_id(b"x" * 129) is None
    assert parse_request_id(None) is None
