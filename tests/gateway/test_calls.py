"""Calls by the PyPI client, answered by our own worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from Algorithmia.algorithm import OutputType
from Algorithmia.errors import AlgorithmException

from cloudlayer.fleet.routes import CallCount

from .stand_ins import KEY, TOKEN, Gateway, Worker, eventually, start_gateway, version


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway and one worker for all tests of this file."""
    folder = tmp_path_factory.mktemp("gateway")
    started, worker = start_gateway(folder), Worker(folder)
    names = ["nlp/Echo/1.0.0", "nlp/Echo/1.2.3", "nlp/Other/1.0.0", "nlp/Void/1.0.0", "nlp/Counted/1.0.0"]
    started.show(*(version(name, worker.route) for name in names), version("nlp/Echo/2.0.1"))
    yield started
    started.stop()
    worker.close()


def post(gateway: Gateway, path: str = "nlp/Echo/1.0.0", **options: Any) -> requests.Response:
    options.setdefault("headers", {}).setdefault("Authorization", KEY)
    return requests.post(f"{gateway.url}/v1/algo/{path}", timeout=20, **options)


def test_results_come_as_what_they_are(client: Any) -> None:
    algo = client.algo("nlp/Echo/1.0.0")
    json = algo.pipe({"a": [1, None, "é"]})
    assert (json.result, json.metadata.content_type) == ({"a": [1, None, "é"]}, "json")
    assert 0 < json.metadata.duration < 10
    text = algo.pipe("plain é")
    assert (text.result, text.metadata.content_type) == ("plain é", "text")
    binary = algo.pipe(b"\x00\xff")
    assert (binary.result, binary.metadata.content_type) == (b"\x00\xff", "binary")
    nothing = algo.pipe(None)
    assert (nothing.result, nothing.metadata.content_type) == (None, "json")


def test_the_clients_default_options_are_honoured(client: Any) -> None:
    assert client.algo("nlp/Echo/1.0.0").set_options().pipe([1]).result == [1]


def test_raw_output_is_the_body_alone(client: Any, gateway: Gateway) -> None:
    assert client.algo("nlp/Echo/1.0.0").set_options(output=OutputType.raw).pipe("as it is") == "as it is"
    answer = post(gateway, params={"output": "raw"}, json={"bytes": [1, 2]})
    assert (answer.content, answer.headers["Content-Type"]) == (b"\x01\x02", "application/octet-stream")


def test_raw_output_tells_errors_by_the_status_so_that_none_is_taken_for_a_result(client: Any, gateway: Gateway) -> None:
    with pytest.raises(Exception, match="Non-Algorithm related Failure"):
        client.algo("nlp/Echo/1.0.0").set_options(output=OutputType.raw).pipe({"raise": "no"})
    assert post(gateway, params={"output": "raw"}, json={"raise": "no"}).status_code == 500
    assert post(gateway, params={"output": "raw"}, data="{").status_code == 400
    assert post(gateway, "no/Such", params={"output": "raw"}).status_code == 400


def test_void_output_is_answered_at_once_and_the_call_goes_on(client: Any, gateway: Gateway) -> None:
    answer = client.algo("nlp/Void").set_options(output=OutputType.void).pipe({"sleep": 0.3})
    assert answer.async_protocol == "void"
    metric = 'cloudlayer_gateway_calls_total{function="nlp/Void",outcome="success",version="1.0.0"} 1.0'
    assert metric not in requests.get(f"{gateway.url}/metrics", timeout=5).text
    assert answer.request_id
    eventually(lambda: metric in requests.get(f"{gateway.url}/metrics", timeout=5).text)


@pytest.mark.parametrize("reference", ["nlp/Echo/1.2.3", "nlp/Echo/1.2.*", "nlp/Echo/1.*"])
def test_versions_are_exact_or_patterns(client: Any, reference: str) -> None:
    assert client.algo(reference).pipe(1).result == 1


@pytest.mark.parametrize(
    "reference", ["nlp/Echo/3.*", "nlp/Echo/1.3.*", "nlp/Echo/latestPrivate", "nlp/Echo/1.2", "nlp/Nothing", "x/y/z/u"]
)
def test_what_is_not_there_is_error_1001(client: Any, gateway: Gateway, reference: str) -> None:
    with pytest.raises(AlgorithmException, match="No such algorithm"):
        client.algo(reference).pipe(1)
    assert post(gateway, reference, json=1).json()["error"]["code"] == 1001


def test_an_apply_that_raises_is_told_with_its_message_and_trace(client: Any) -> None:
    with pytest.raises(AlgorithmException) as caught:
        client.algo("nlp/Echo/1.0.0").pipe({"raise": "bad luck"})
    assert caught.value.error_type == "AlgorithmError"
    assert caught.value.message == "bad luck"
    assert "ValueError" in caught.value.stack_trace
    assert client.algo("nlp/Echo/1.0.0").pipe(1).result == 1


def test_a_body_that_is_no_json_is_a_parsing_error(gateway: Gateway) -> None:
    answer = post(gateway, data="{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["error"]["error_type"] == "ParsingError"


def test_a_body_over_10_mib_is_too_large_and_one_of_10_mib_is_not(client: Any) -> None:
    algo = client.algo("nlp/Echo/1.0.0")
    with pytest.raises(AlgorithmException) as caught:
        algo.pipe(b"x" * (10 * 1024**2 + 1))
    assert caught.value.error_type == "TooLargeError"
    assert len(algo.pipe(b"x" * (10 * 1024**2)).result) == 10 * 1024**2


def test_other_content_types_and_unknown_options_are_told_apart(gateway: Gateway, client: Any) -> None:
    form = post(gateway, data={"a": 1})
    assert form.json()["error"]["error_type"] == "UnsupportedError"
    with pytest.raises(AlgorithmException) as caught:
        client.algo("nlp/Echo/1.0.0").set_options(colour="red").pipe(1)
    assert caught.value.error_type == "InputError"


@pytest.mark.parametrize("key", ["", "wrong", "Simple wrong"])
def test_a_wrong_or_missing_key_is_a_401_in_the_envelope(gateway: Gateway, key: str) -> None:
    answer = post(gateway, headers={"Authorization": key}, json=1)
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers
    assert answer.json()["error"]["code"] == 2002


@pytest.mark.parametrize("scheme", ["", "Simple ", "Bearer "])
def test_all_three_forms_of_a_key_are_taken(gateway: Gateway, scheme: str) -> None:
    assert post(gateway, headers={"Authorization": scheme + KEY}, json=1).json()["result"] == 1


def test_a_functions_token_calls_only_what_it_may(gateway: Gateway) -> None:
    assert post(gateway, "nlp/Echo/1.*", headers={"Authorization": TOKEN}, json=1).json()["result"] == 1
    refused = post(gateway, "nlp/Other", headers={"Authorization": TOKEN}, json=1)
    assert refused.status_code == 200
    assert refused.json()["error"]["code"] == 2001


def test_answered_calls_of_functions_are_counted_and_those_of_users_are_not(fresh_gateway: Gateway, worker: Any) -> None:
    fresh_gateway.show(version("nlp/Echo/1.0.0", worker().route))
    for _ in range(3):
        post(fresh_gateway, headers={"Authorization": TOKEN}, json="a text")
        post(fresh_gateway, json="a text")
    counts = (CallCount("key a-tok", "nlp/Echo", 3, 3 * (len('"a text"') + len("a text"))),)
    eventually(lambda: any(load.calls == counts for load in fresh_gateway.controller.loads()), 10)


def test_every_answer_has_the_request_id_that_came_or_a_new_one(gateway: Gateway) -> None:
    given = post(gateway, headers={"X-Request-Id": "mine-7"}, json={"raise": "x"})
    assert given.headers["X-Request-Id"] == "mine-7"
    assert given.json()["error"]["request_id"] == "mine-7"
    line = eventually(lambda: next((line for line in gateway.lines if line.get("request_id") == "mine-7"), None))
    assert (line["event"], line["outcome"], line["version"]) == ("call", "AlgorithmError", "nlp/Echo/1.0.0")
    made = {post(gateway, json=1).headers["X-Request-Id"] for _ in range(3)}
    assert len(made) == 3


def test_the_log_has_no_key_and_no_body(gateway: Gateway) -> None:
    post(gateway, headers={"Authorization": "Simple wrong-secret"}, json="body-secret")
    post(gateway, headers={"Content-Type": "application/json", "X-Request-Id": "bad-body"}, data="body-secret")
    eventually(lambda: any(line.get("request_id") == "bad-body" for line in gateway.lines))
    written = "".join(gateway.text)
    assert KEY not in written
    assert "secret" not in written


def test_other_paths_and_methods_are_answered_in_json(gateway: Gateway) -> None:
    for path in ("/v1/algorithms/nlp/Echo", "/v1/data", "/", "/v1"):
        answer = requests.get(gateway.url + path, timeout=5)
        assert answer.status_code == 404
        assert path in answer.json()["error"]["message"]
    assert requests.head(f"{gateway.url}/v1/algo/nlp/Echo", timeout=5).status_code == 405
    refused = requests.get(f"{gateway.url}/v1/algo/nlp/Echo", timeout=5)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
    assert "POST" in refused.json()["error"]["message"]


def test_metrics_count_calls_of_known_versions_only(gateway: Gateway) -> None:
    post(gateway, "nlp/Counted", json=1)
    post(gateway, "nlp/Counted", json={"raise": "x"})
    post(gateway, "made/Up", json=1)
    text = requests.get(f"{gateway.url}/metrics", timeout=5).text
    for outcome in ("success", "AlgorithmError"):
        assert f'cloudlayer_gateway_calls_total{{function="nlp/Counted",outcome="{outcome}",version="1.0.0"}} 1.0' in text
    assert 'cloudlayer_gateway_call_seconds_count{function="nlp/Counted",version="1.0.0"} 2.0' in text
    assert 'cloudlayer_gateway_replicas{function="nlp/Counted",version="1.0.0"} 1.0' in text
    assert 'cloudlayer_gateway_refused_total{status="200"}' in text
    assert "made" not in text
