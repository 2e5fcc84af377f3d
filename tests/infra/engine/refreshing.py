"""Refresh: what is there, read back into the state."""

from dataclasses import replace

from .plugin import Made, Plugin, PluginError
from .results import Result, Step
from .state import Snapshot, State
from .values import changed, keep_secrets


def read_all(snapshot: Snapshot, plugin: Plugin, result: Result) -> None:
    """Read each resource: one that is gone leaves the state, one that changed is kept as it is. Stops at the first error."""
    for state in [state for state in snapshot.states if state.custom and state.alive]:
        try:
            made = plugin.read(state.urn, state.id, state.inputs, state.outputs)
        except PluginError as error:
            result.fail(state.urn, str(error))
            return
        _take_over(snapshot, state, made, result)


def _take_over(snapshot: Snapshot, state: State, made: Made | None, result: Result) -> None:
    if made is None:
        result.steps.append(Step("refresh", state.urn, state.type, state.name, outcome="delete"))
        with snapshot.change():
            snapshot.drop(state)
            _forget(snapshot, state.urn)
        return
    inputs = made.inputs if made.inputs is not None else state.inputs
    outputs = keep_secrets(made.outputs, state.inputs, also=state.additional_secret_outputs)
    diff = tuple(sorted({*changed(state.inputs, inputs), *changed(state.outputs, outputs)}))
    result.steps.append(Step("refresh", state.urn, state.type, state.name, diff, outcome="update" if diff else "same"))
    for reason in made.reasons:
        result.say("warning", state.urn, reason)
    with snapshot.change():
        fresh = replace(state, id=made.id, inputs=inputs, outputs=outputs, init_errors=made.reasons)
        snapshot.states = [fresh if kept is state else kept for kept in snapshot.states]


def _forget(snapshot: Snapshot, urn: str) -> None:
    """Nothing depends any more on what is not in the state."""
    for state in snapshot.states:
        state.dependencies = [other for other in state.dependencies if other != urn]
        state.property_dependencies = {
            key: [other for other in urns if other != urn] for key, urns in state.property_dependencies.items()
        }
