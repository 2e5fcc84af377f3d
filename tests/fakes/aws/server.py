"""Moto's AWS behind fault rules, in a thread of this process. Moto's state is global: one such AWS a process."""

import io
import os
import socket
import threading
import time
from pathlib import Path

os.environ.setdefault("MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION", "1")  # what is unknown is an error, as it is at AWS
os.environ.setdefault("MOTO_ENABLE_KEYPAIR_VALIDATION", "1")
os.environ.setdefault("MOTO_ENABLE_AMI_VALIDATION", "1")
os.environ.setdefault("MOTO_AMIS_PATH", str(Path(__file__).with_name("images.json")))

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.fakes.aws import moto_balancers, moto_gaps, moto_groups, moto_quotas, moto_scaling, moto_volumes
from tests.fakes.aws.rules import Call, Rule
from tests.fakes.aws.tokens import Tokens

TOKENED = ("RunInstances", "CreateVolume", "CreateLaunchTemplate", "CreateLaunchTemplateVersion")
"""Actions whose client tokens AWS keeps."""

NAMESPACE = b'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"'
SHORT_NAMESPACE = b'xmlns="http://ec2.amazonaws.com/doc/2016-11-15"'
"""Of EC2's answers; moto's lacks the slash, by which a client that minds namespaces finds nothing in them."""


class FakeAws:
    """AWS at `url`, empty at first.

    `rules` bring faults about, `calls` is the journal, `options` how EC2 behaves, `launched` its own count.
    """

    def __init__(self):
        moto_gaps.install()
        moto_volumes.install()
        moto_quotas.install()
        moto_groups.install()
        moto_balancers.install()
        self.options = moto_gaps.options
        self.tokens = Tokens()
        self.rules = []
        self.calls = []
        self._lock = threading.Lock()
        self.reset()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def follow(self, clock):
        """Let cooldowns and drains run on this clock, the driver's."""
        moto_scaling.follow(clock)

    def close(self):
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reset(self):
        """An empty cloud without faults."""
        self.rules.clear()
        self.calls.clear()
        self.tokens.forget()
        self.launched = 0
        moto_scaling.tell(self._count)
        moto_gaps.reset()
        BackendDict.reset()
        reset_model_data()

    def fault(self, **rule):
        """Add a rule; the first one that matches a call and is not used up applies."""
        self.rules.append(Rule(**rule))

    def count(self, action):
        """How many calls of an action there were."""
        return sum(call.action == action for call in self.calls)

    def _answer(self, environ, start):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        call = Call.parse(environ, body)
        with self._lock:
            self.calls.append(call)
            rule = next((rule for rule in self.rules if rule.take(call)), Rule())
        time.sleep(rule.latency)
        if rule.refuse:
            call.outcome = "refused"
            _drop(environ)
        if rule.code:
            code = rule.code(call) if callable(rule.code) else rule.code
            call.outcome = f"injected {code}"
            headers = [("Retry-After", str(rule.retry_after))] if rule.retry_after is not None else []
            return _send(start, call, call.error(code, rule.message, rule.status), headers)
        status, headers, answer = self._execute(call, environ, body)
        call.status = int(status.split()[0])
        if rule.lost_response:
            call.outcome = "executed, response lost"
            _drop(environ)
        start(status, headers)
        return [answer]

    def _execute(self, call, environ, body):
        if call.action not in TOKENED or call.parameters.get("DryRun") == "true":
            return self._forward(environ, body)
        if call.action == "RunInstances":
            return self.tokens.run(call, lambda: self._launch(call, environ))
        return self.tokens.run(call, lambda: self._forward(environ, body))

    def _launch(self, call, environ):
        """Moto launches MinCount instances; EC2 as many as it can, at most MaxCount."""
        room = self.options.room
        with self._lock:
            count = int(call.parameters["MaxCount"]) if room is None else min(int(call.parameters["MaxCount"]), room)
            if count < int(call.parameters["MinCount"]):
                call.outcome = "no room"
                status, kind, body = call.error("InsufficientInstanceCapacity", "There is no capacity here at this time.")
                return f"{status} Error", [("Content-Type", kind), ("Content-Length", str(len(body)))], body
            if room is not None:
                self.options.room = room - count
        answer = self._forward(environ, call.body(MinCount=count))
        if answer[0].startswith("2"):
            self._count(count)
        return answer

    def _count(self, launched):
        self.launched += launched

    def _forward(self, environ, body):
        got = []
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
        answer = b"".join(self._moto(environ, lambda status, headers, exc_info=None: got.append((status, headers))))
        status, headers = got[-1]
        whole = answer.replace(SHORT_NAMESPACE, NAMESPACE, 1)
        return status, [*((name, value) for name, value in headers if name != "Content-Length"), _length(whole)], whole


def _length(answer):
    return "Content-Length", str(len(answer))


def _drop(environ):
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("dropped by a rule")


def _send(start, call, answer, headers):
    call.status, kind, body = answer
    start(f"{call.status} Error", [("Content-Type", kind), ("Content-Length", str(len(body))), *headers])
    return [body]


class _Quiet(WSGIRequestHandler):
    def log(self, *args):
        """Requests are in the journal."""
