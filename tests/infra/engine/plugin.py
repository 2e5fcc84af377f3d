"""The plug-in: the SDK's own process for dynamic resources, `python -m pulumi.dynamic`, for real and over gRPC."""

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.rpc import status_pb2
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from .state import State
from .values import Properties, Secret, from_struct, keep_secrets, to_struct

START_SECONDS = 30


class PluginError(Exception):
    """A call failed: the provider raised, or the process is gone."""


@dataclass(frozen=True)
class Made:
    """A thing after a create, an update or a read. With `reasons` it exists, but did not come up."""

    id: str
    outputs: Properties
    inputs: Properties | None = None
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Difference:
    """A provider's answer to a diff. `changes` is None where it leaves the comparison of the inputs to the engine."""

    changes: bool | None
    replaces: tuple[str, ...]
    delete_before_replace: bool


class Plugin:
    """One plug-in process. It takes no secrets, so values go to it in clear and marks are put back on its answers."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        config: Mapping[str, Any],
        on_line: Callable[[str], None],
        timeout: float,
    ) -> None:
        """Start the process; `on_line` gets what it prints. The first call connects, so that it starts beside the program.

        A call is given up after `timeout` seconds.
        """
        self._process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._config = config
        self._timeout = timeout
        self._on_line = on_line
        self._readers: list[threading.Thread] = []
        self._read(self._process.stderr)
        self._stub: Any = None
        self._channel: grpc.Channel | None = None
        self._connecting = threading.Lock()

    def _read(self, stream: Any) -> None:
        def follow() -> None:
            for line in stream:
                self._on_line(line.rstrip("\n"))

        self._readers.append(threading.Thread(target=follow, daemon=True))
        self._readers[-1].start()

    def _connect(self) -> Any:
        port = self._process.stdout.readline().strip() if self._process.stdout else ""
        if not port.isdigit():
            raise PluginError(f"the plug-in printed no port but {port!r}")
        self._read(self._process.stdout)
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=_GRPC_CHANNEL_OPTIONS)
        stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        try:
            grpc.channel_ready_future(self._channel).result(START_SECONDS)
            self._configure(stub, self._config)
        except (grpc.FutureTimeoutError, grpc.RpcError) as error:
            raise PluginError(f"the plug-in does not answer: {error}") from error
        return stub

    @staticmethod
    def _configure(stub: Any, config: Mapping[str, Any]) -> None:
        variables = {key: value.value if isinstance(value, Secret) else value for key, value in config.items()}
        stub.Configure(
            provider_pb2.ConfigureRequest(
                variables=variables, args=to_struct(config, secrets=True), acceptSecrets=True, acceptResources=True
            )
        )

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self._process.kill()

    def close(self) -> None:
        """End the process and read its last words."""
        if self._channel:
            self._channel.close()
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join(5)
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    def check(self, urn: str, olds: Properties, news: Properties) -> tuple[Properties, list[tuple[str, str]]]:
        """(inputs as the provider completed them, [(property, reason)] that it refuses)."""
        answer = self._call("Check", provider_pb2.CheckRequest(urn=urn, olds=_plain(olds), news=_plain(news)))
        failures = [(failure.property, failure.reason) for failure in answer.failures]
        return keep_secrets(from_struct(answer.inputs), news), failures

    def diff(self, state: State, news: Properties, ignore: Sequence[str] = ()) -> Difference:
        """What the new inputs would change in a thing."""
        request = provider_pb2.DiffRequest(
            id=state.id,
            urn=state.urn,
            olds=_plain(state.outputs),
            news=_plain(news),
            old_inputs=_plain(state.inputs),
            ignoreChanges=ignore,
        )
        answer = self._call("Diff", request)
        known = {provider_pb2.DiffResponse.DIFF_SOME: True, provider_pb2.DiffResponse.DIFF_NONE: False}
        return Difference(known.get(answer.changes), tuple(answer.replaces), answer.deleteBeforeReplace)

    def create(self, urn: str, inputs: Properties) -> Made:
        """Make the thing. Raises PluginError where nothing was made."""
        request = provider_pb2.CreateRequest(urn=urn, properties=_plain(inputs))
        made = self._make("Create", request, inputs)
        if not made.id:
            raise PluginError("provider returned an empty id")
        return made

    def update(self, state: State, inputs: Properties, ignore: Sequence[str] = ()) -> Made:
        """Bring the thing to the new inputs."""
        request = provider_pb2.UpdateRequest(
            id=state.id,
            urn=state.urn,
            olds=_plain(state.outputs),
            news=_plain(inputs),
            old_inputs=_plain(state.inputs),
            ignoreChanges=ignore,
        )
        return self._make("Update", request, inputs)

    def read(self, urn: str, id: str, inputs: Properties, outputs: Properties) -> Made | None:
        """The thing as it is now; None where it is gone."""
        request = provider_pb2.ReadRequest(id=id, urn=urn, inputs=_plain(inputs), properties=_plain(outputs))
        made = self._make("Read", request, {**inputs, **outputs})
        return made if made.id else None

    def delete(self, state: State) -> None:
        """Unmake the thing."""
        request = provider_pb2.DeleteRequest(
            id=state.id, urn=state.urn, properties=_plain(state.outputs), old_inputs=_plain(state.inputs)
        )
        self._call("Delete", request)

    def _make(self, method: str, request: Any, known: Properties) -> Made:
        try:
            answer = self._call(method, request)
        except PluginError as error:
            partial = _init_failed(error.__cause__)
            if partial is None:
                raise
            inputs = keep_secrets(from_struct(partial.inputs), known) if partial.HasField("inputs") else None
            outputs = keep_secrets(from_struct(partial.properties), known)
            return Made(partial.id or getattr(request, "id", ""), outputs, inputs, list(partial.reasons) or [str(error)])
        reads_inputs = method == "Read" and answer.HasField("inputs")
        inputs = keep_secrets(from_struct(answer.inputs), known) if reads_inputs else None
        name = request.id if method == "Update" else answer.id
        return Made(name, keep_secrets(from_struct(answer.properties), known), inputs)

    def _call(self, method: str, request: Any) -> Any:
        with self._connecting:
            self._stub = self._stub or self._connect()
        try:
            return getattr(self._stub, method)(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise PluginError(error.details() or str(error.code())) from error


def _plain(properties: Properties) -> Any:
    return to_struct(properties, secrets=False, references=False)


def _init_failed(error: BaseException | None) -> provider_pb2.ErrorResourceInitFailed | None:
    """The partial state that a provider attached to its error as gRPC's rich status, if it did."""
    if not isinstance(error, grpc.Call):
        return None
    metadata = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(metadata.get("grpc-status-details-bin", b""))
    for detail in status.details:
        partial = provider_pb2.ErrorResourceInitFailed()
        if detail.Unpack(partial):
            return partial
    return None
