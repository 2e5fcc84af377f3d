"""Many callers at once while replicas die, talk nonsense and come back: each call gets its own answer, or an error."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import Algorithmia
from Algorithmia.errors import AlgorithmException

from .stand_ins import KEY, Gateway, Received, Replica, eventually, http, version


def unreliable(seed: int) -> Callable[[Received], bytes | None]:
    dice, lock = random.Random(seed), threading.Lock()

    def answer(request: Received) -> bytes | None:
        with lock:
            fate = dice.random()
        if fate < 0.05:
            return None
        if fate < 0.1:
            return http(request.body)[:-1] + b"\r\nConnection: close"
        if fate < 0.15:
            return http(request.body) + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n-1"
        return http(request.body, more="Connection: close\r\n" if fate < 0.3 else "")

    return answer


def test_no_call_gets_anothers_answer_and_none_is_left_without(gateway: Gateway, replica: Callable[..., Replica]) -> None:
    replicas = [replica(unreliable(seed)) for seed in range(4)]

    def show(idempotent: bool = True) -> None:
        gateway.show(version("nlp/Echo/1.0.0", *(each.route for each in replicas), idempotent=idempotent, concurrency=2))

    def call(value: int) -> Any:
        try:
            return Algorithmia.client(KEY, gateway.url).algo("nlp/Echo").set_options(timeout=10).pipe({"value": value}).result
        except AlgorithmException as error:
            return error.error_type

    show()
    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(call, value) for value in range(300)]
        while not all(answer.done() for answer in answers):
            show()
            threading.Event().wait(0.02)
    results = [answer.result() for answer in answers]
    assert all(result in ({"value": value}, "AlgorithmError") for value, result in enumerate(results))
    assert results.count("AlgorithmError") < 150
    eventually(lambda: gateway.controller.loads()[-1].versions[0].in_flight == 0)
    assert gateway.controller.loads()[-1].versions[0].waiting == 0
