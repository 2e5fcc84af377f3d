"""The two services that a program speaks to: the resource monitor and the engine, over the SDK's own stubs."""

from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from .results import Result
from .state import State
from .steps import Deployment, Goal, StepFailed
from .values import Properties, clear, from_struct, holds_secret, to_struct

STACK = "pulumi:pulumi:Stack"
DYNAMIC = "pulumi-python:"
FEATURES: dict[str, Any] = {"secrets": 0, "resourceReferences": 1, "outputValues": 2}
THREADS = 64

Invoke = Callable[[Properties], Properties]


def urn_of(project: str, stack: str, type: str, name: str, parent: str = "") -> str:
    """Pulumi's name of a resource, which holds the types of the components around it."""
    around = parent.split("::")[2] if parent else ""
    qualified = f"{around}${type}" if around and around != STACK else type
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Takes the program's registrations. After a failure it answers as Pulumi's does: it is no longer there."""

    def __init__(self, deployment: Deployment, project: str, stack: str, invokes: Mapping[str, Invoke]) -> None:
        self._deployment, self._project, self._stack, self._invokes = deployment, project, stack, invokes

    def GetDeploymentInfo(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Which of the SDK's features this engine has; newer SDKs ask so."""
        return resource_pb2.DeploymentInfo(
            project=self._project,
            stack=self._stack,
            dryRun=self._deployment.preview,
            supportedFeatures=list(FEATURES.values()),
        )

    def SupportsFeature(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """The same question of older SDKs, one feature at a time."""
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in FEATURES)

    def SignalAndWaitForShutdown(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Let the program end: nothing that this engine models needs it during the deletions."""
        return empty_pb2.Empty()

    def RegisterResource(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Make one resource what the program wants of it."""
        goal = self._goal(request)
        refused = _refused(request)
        if refused:
            self._deployment.fail(goal.urn, refused)
        with _gone_after_failure(context):
            state = self._deployment.register(goal)
        return resource_pb2.RegisterResourceResponse(urn=state.urn, id=state.id, object=_object(state))

    def RegisterResourceOutputs(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Keep a component's outputs; the stack's are the run's."""
        outputs = from_struct(request.outputs)
        with self._deployment.snapshot.change() as snapshot:
            state = snapshot.of(request.urn)
            if state is not None:
                state.outputs = outputs
        if state is not None and state.type == STACK:
            self._deployment.result.outputs = clear(outputs)
            self._deployment.result.secret_outputs = {name for name, value in outputs.items() if holds_secret(value)}
        return empty_pb2.Empty()

    def ReadResource(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Read a thing by its id, for a program that does not own it."""
        goal = self._goal(request)
        with _gone_after_failure(context):
            if not request.type.startswith(DYNAMIC):
                raise self._deployment.fail(goal.urn, f"this engine reads no {request.type}")
            state = self._deployment.read(goal, request.id)
        return resource_pb2.ReadResourceResponse(urn=state.urn, properties=_object(state))

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Call a function that the test faked."""
        function = self._invokes.get(request.tok)
        if function is None:
            return context.abort(grpc.StatusCode.NOT_FOUND, f"the function {request.tok} is not faked: Stack(invokes=…)")
        returned = to_struct(function(clear(from_struct(request.args))), secrets=True)
        return resource_pb2.ResourceInvokeResponse(**{"return": returned})

    def _goal(self, request: Any) -> Goal:
        urn = urn_of(self._project, self._stack, request.type, request.name, request.parent)
        provider = urn_of(self._project, self._stack, f"pulumi:providers:{DYNAMIC[:-1]}", "default")
        reads = isinstance(request, resource_pb2.ReadResourceRequest)
        common: dict[str, Any] = {
            "urn": urn,
            "type": request.type,
            "custom": reads or request.custom,
            "inputs": from_struct(request.properties if reads else request.object),
            "parent": request.parent,
            "provider": provider if reads or request.custom else "",
            "dependencies": sorted(request.dependencies),
            "additional_secret_outputs": list(request.additionalSecretOutputs),
        }
        if reads:
            return Goal(**common)
        through = {key: sorted(value.urns) for key, value in request.propertyDependencies.items()}
        first = request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None
        return Goal(
            **common,
            property_dependencies=through,
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            delete_before_replace=first,
            ignore_changes=list(request.ignoreChanges),
            replace_on_changes=list(request.replaceOnChanges),
        )


class Engine(engine_pb2_grpc.EngineServicer):
    """Keeps what the program logs."""

    def __init__(self, result: Result) -> None:
        self._result, self._root = result, ""

    def Log(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """What the program or the SDK has to say."""
        self._result.say(engine_pb2.LogSeverity.Name(request.severity).lower(), request.urn, request.message)
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """The stack's URN, where the program has set it."""
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Take the stack's URN."""
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()


class Services:
    """The server of both, on one port of this host. It has its address before it answers, since plug-ins are told of it."""

    def __init__(self) -> None:
        self._server = grpc.server(futures.ThreadPoolExecutor(THREADS), options=_GRPC_CHANNEL_OPTIONS)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def start(self, monitor: Monitor, engine: Engine) -> None:
        """Answer from now on."""
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, self._server)
        engine_pb2_grpc.add_EngineServicer_to_server(engine, self._server)
        self._server.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.stop(0).wait()


@contextmanager
def _gone_after_failure(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except StepFailed as failure:
        context.abort(grpc.StatusCode.UNAVAILABLE, str(failure))


def _object(state: State) -> Any:
    return to_struct(state.outputs if state.custom else {**state.inputs, **state.outputs}, secrets=True)


def _refused(request: Any) -> str:
    """Why this engine does not take the registration, empty where it does: what is not modelled must not pass for done."""
    if request.custom and not request.type.startswith(DYNAMIC):
        return f"this engine has no provider for {request.type}: it runs dynamic resources only"
    if request.importId:
        return "this engine does not import; with dynamic resources neither does Pulumi (pulumi#16175)"
    options = {
        "aliases": request.aliases or request.aliasURNs,
        "remote": request.remote,
        "provider": request.provider,
        "replacement_trigger": "replacement_trigger" in request.DESCRIPTOR.fields_by_name
        and request.HasField("replacement_trigger"),
    }
    return "".join(f"this engine does not model the option {name}. " for name, used in options.items() if used).strip()
