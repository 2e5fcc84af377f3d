"""What goes: resources that vanished from the program, the old halves of replacements, everything at a destroy."""

from collections.abc import Iterable

from .plugin import Plugin, PluginError
from .results import Result, Step
from .state import Snapshot, State
from .values import UNKNOWN

PROTECTED = (
    "unable to delete resource {urn!r}\nas it is currently marked for protection. To unprotect the resource, remove the "
    "`protect` flag from the resource in your Pulumi program and run `pulumi up`, or use the command:\n"
    "`pulumi state unprotect {urn!r}`"
)


class Deletions:
    """Deletes, one after the other, what depends before what it depends on."""

    def __init__(self, snapshot: Snapshot, plugin: Plugin, result: Result, *, preview: bool) -> None:
        self._snapshot, self._plugin, self._result, self._preview = snapshot, plugin, result, preview

    def run(self, doomed: Iterable[State], *, before_replacement: bool = False) -> bool:
        """Delete these; False at the first failure. Where one of them is protected, none is deleted.

        Before a replacement they stay in the state, marked, so that a later run knows what was not made anew.
        """
        ordered = in_order_of_deletion(list(doomed))
        protected = [state for state in ordered if state.protect and not state.delete and not state.pending_replacement]
        for state in protected:
            self._result.fail(state.urn, PROTECTED.format(urn=state.urn))
        return not protected and all(self._delete(state, before_replacement) for state in ordered)

    def _delete(self, state: State, before_replacement: bool) -> bool:
        self._result.steps.append(Step(_op(state, before_replacement), state.urn, state.type, state.name))

        def keep(_: object) -> None:
            if before_replacement:
                state.pending_replacement = True
            else:
                self._snapshot.drop(state)

        real = state.custom and not (state.external or state.pending_replacement or state.retain_on_delete)
        if self._preview or not real:
            with self._snapshot.change():
                keep(None)
            return True
        try:
            self._snapshot.perform("deleting", state.urn, lambda: self._plugin.delete(state), keep)
        except PluginError as error:
            self._result.fail(state.urn, str(error))
            return False
        return True


def _op(state: State, before_replacement: bool) -> str:
    if state.pending_replacement:
        return "remove-pending-replace"
    return "delete-replaced" if before_replacement or state.delete else "delete"


def in_order_of_deletion(states: list[State]) -> list[State]:
    """Each after all that need it, the youngest first where that leaves a choice."""
    left, ordered = list(states), []
    while left:
        needed = {urn for state in left for urn in state.needs() if urn != state.urn}
        free = next((state for state in reversed(left) if state.urn not in needed), left[-1])
        ordered.append(free)
        left = [state for state in left if state is not free]
    return ordered


def needing_replacement(snapshot: Snapshot, plugin: Plugin, root: State) -> list[State]:
    """Those that cannot stay while `root` is away: one of their inputs comes from it, and its provider replaces for that."""
    away, found = {root.urn}, []
    for state in sorted(snapshot.states, key=lambda state: _depth(snapshot, state)):
        touched = [key for key, urns in state.property_dependencies.items() if away & set(urns)]
        if not (state.custom and state.alive and touched) or state is root:
            continue
        inputs = {key: UNKNOWN if key in touched else value for key, value in state.inputs.items()}
        if plugin.diff(state, inputs).replaces:
            away.add(state.urn)
            found.append(state)
    return found


def _depth(snapshot: Snapshot, state: State) -> int:
    """The longest way from it to something that needs nothing."""
    needed = [other for other in snapshot.states if other.urn in state.needs() and other.alive and other is not state]
    return 1 + max((_depth(snapshot, other) for other in needed), default=0)
