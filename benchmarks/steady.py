"""A steady load on a gateway: so many calls a second, begun at their time whether or not earlier ones have been answered."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field

THREADS = 128
"""The most calls that may be under way: more than all that hang while a machine is lost."""
PATIENCE = 60.0


@dataclass(frozen=True)
class Answered:
    """One call: the function, when it began (by `time.monotonic`), how long it took, and how it failed, "" if it did not."""

    function: str
    began: float
    seconds: float
    error: str


@dataclass
class Steady:
    """Calls of `functions` in turn, `rate` a second, from `begin` to `end`."""

    port: int
    key: str
    functions: Sequence[str]
    rate: float
    answers: list[Answered] = field(default_factory=list)

    def begin(self) -> None:
        """Begin to call."""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> list[Answered]:
        """Begin no more calls, and wait for the answers of those that were begun."""
        self._ending.set()
        self._thread.join()
        return self.answers

    def errors(self, functions: Sequence[str] = ()) -> dict[str, int]:
        """How often each kind of error came, of these functions or of all."""
        return dict(Counter(one.error for one in self.answers if one.error and (not functions or one.function in functions)))

    def _run(self) -> None:
        with ThreadPoolExecutor(THREADS) as executor:
            began, calls = time.monotonic(), []
            for number in itertools.count():
                if self._ending.wait(max(0.0, began + number / self.rate - time.monotonic())):
                    break
                calls.append(executor.submit(self._call, self.functions[number % len(self.functions)], number))
            wait(calls)

    def _call(self, function: str, number: int) -> None:
        began = time.monotonic()
        error = self._error(function, number)
        self.answers.append(Answered(function, began, time.monotonic() - began, error))

    def _error(self, function: str, number: int) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            headers = {"Authorization": self.key, "Content-Type": "application/json"}
            connection.request("POST", f"/v1/algo/{function}", json.dumps(number), headers)
            document = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"client: {type(error).__name__}"
        finally:
            connection.close()
        if "error" in document:
            return str(document["error"]["error_type"])
        return "" if document["result"] == number else "wrong result"
