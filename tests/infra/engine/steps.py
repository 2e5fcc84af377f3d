"""What happens to one resource that the program registers: nothing, a create, an update, a replacement, a read."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from .deletions import Deletions, needing_replacement
from .plugin import Made, Plugin, PluginError
from .results import Result, Step
from .state import Snapshot, State
from .values import Properties, changed, keep_secrets

PROTECTED = (
    "unable to replace resource {urn!r}\nas it is currently marked for protection. To unprotect the resource, "
    "remove the `protect` flag from the resource in your Pulumi program and run `pulumi up`"
)


class StepFailed(Exception):
    """The resource cannot be had; the failure is recorded already."""


@dataclass(frozen=True)
class Goal:
    """What the program wants of one resource. `delete_before_replace` is None where the program leaves it to the provider."""

    urn: str
    type: str
    custom: bool
    inputs: Properties
    parent: str = ""
    provider: str = ""
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool | None = None
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    additional_secret_outputs: list[str] = field(default_factory=list)

    def state(self, inputs: Properties) -> State:
        """A state of it, with these inputs and neither id nor outputs."""
        kept = State.__dataclass_fields__.keys() & self.__dataclass_fields__.keys()
        return State(**{name: getattr(self, name) for name in kept} | {"inputs": inputs})


class Deployment:
    """One run of a program against a snapshot. A preview is one on a copy of the snapshot, whose steps call no provider.

    Plans are made one after the other (check, diff, deletions before a replacement); what they then do runs side by side.
    """

    def __init__(
        self, snapshot: Snapshot, plugin: Plugin, result: Result, *, preview: bool, replacing: frozenset[str] = frozenset()
    ) -> None:
        self.snapshot, self.plugin, self.result, self.preview = snapshot, plugin, result, preview
        self.deletions = Deletions(snapshot, plugin, result, preview=preview)
        self.registered: set[str] = set()
        self._replacing = replacing
        self._planning = threading.Lock()
        self._under_way = 0
        self._settled = threading.Condition()

    def fail(self, urn: str, text: str, property: str = "") -> StepFailed:
        """Record why; the caller raises what it gets."""
        self.result.fail(urn, text, property)
        return StepFailed(text)

    def settle(self, seconds: float) -> None:
        """Wait for the steps that are under way, which a program that failed no longer waits for."""
        with self._settled:
            self._settled.wait_for(lambda: not self._under_way, seconds)

    @contextmanager
    def _awaited(self) -> Iterator[None]:
        with self._settled:
            self._under_way += 1
        try:
            yield
        finally:
            with self._settled:
                self._under_way -= 1
                self._settled.notify_all()

    def register(self, goal: Goal) -> State:
        """Make the goal true. Raises StepFailed."""
        with self._awaited():
            return self._register(goal)

    def _register(self, goal: Goal) -> State:
        with self._planning:
            if self.result.failures:
                raise StepFailed("the run has failed already")
            if goal.urn in self.registered:
                raise self.fail(goal.urn, f"Duplicate resource URN {goal.urn!r}; try giving it a unique name")
            self.registered.add(goal.urn)
            try:
                act = self._plan(goal) if goal.custom else self._plan_component(goal)
            except PluginError as error:
                raise self.fail(goal.urn, str(error)) from error
        try:
            return act()
        except PluginError as error:
            raise self.fail(goal.urn, str(error)) from error

    def read(self, goal: Goal, id: str) -> State:
        """Read a thing that the program names by its id and that stays another's. Raises StepFailed."""
        self.registered.add(goal.urn)
        self._step("read", goal)
        old = self.snapshot.of(goal.urn)

        def call() -> Made:
            made = self.plugin.read(goal.urn, id, goal.inputs, {})
            if made is None:
                raise PluginError(f"resource {id!r} does not exist")
            return made

        def keep(made: Made) -> None:
            self.snapshot.put(replace(self._made(goal, goal.inputs, made), external=True), old)

        try:
            with self._awaited():
                return self._do("reading", goal, call, keep)
        except PluginError as error:
            raise self.fail(goal.urn, str(error)) from error

    def _step(self, op: str, goal: Goal, diff: tuple[str, ...] = (), replaced: tuple[str, ...] = ()) -> None:
        self.result.steps.append(Step(op, goal.urn, goal.type, goal.urn.rsplit("::", 1)[-1], diff, replaced))

    def _keep(self, state: State, *instead_of: State | None) -> None:
        with self.snapshot.change():
            self.snapshot.put(state, *instead_of)

    def _plan_component(self, goal: Goal) -> Callable[[], State]:
        old = self.snapshot.of(goal.urn)
        self._step("same" if old else "create", goal)
        state = replace(goal.state(goal.inputs), outputs=old.outputs if old else {})
        return lambda: self._put(state, old)

    def _put(self, state: State, old: State | None) -> State:
        self._keep(state, old)
        return state

    def _plan(self, goal: Goal) -> Callable[[], State]:
        old = self.snapshot.of(goal.urn)
        if old is None or old.external:
            return self._create(goal, self._check(goal, None), "create", old)
        if old.pending_replacement:
            self._step("replace", goal)
            return self._create(goal, self._check(goal, None), "create-replacement", old)
        if goal.urn in self._replacing:
            return self._replace(goal, old, self._check(goal, None), (), ("id",), provider_deletes_first=False)
        goal = replace(goal, inputs=_ignoring(goal, old))
        inputs = self._check(goal, old)
        difference = self.plugin.diff(old, inputs, goal.ignore_changes)
        diff = changed(old.inputs, inputs)
        replaced = tuple(difference.replaces) + tuple(key for key in diff if key in goal.replace_on_changes)
        changes = bool(diff) if difference.changes is None else difference.changes
        if changes and replaced:
            again = self._check(goal, None)
            return self._replace(goal, old, again, diff, replaced, provider_deletes_first=difference.delete_before_replace)
        if changes or old.init_errors:
            return self._update(goal, old, inputs, diff)
        return self._same(goal, old, inputs)

    def _check(self, goal: Goal, old: State | None) -> Properties:
        inputs, failures = self.plugin.check(goal.urn, old.inputs if old else {}, goal.inputs)
        if failures:
            name = goal.urn.rsplit("::", 1)[-1]
            for key, reason in failures:
                text = f"{goal.type} resource '{name}': property {key} has a problem: {reason}"
                self.result.fail(goal.urn, text, key)
            raise StepFailed(f"{goal.urn} has invalid inputs")
        return inputs

    def _same(self, goal: Goal, old: State, inputs: Properties) -> Callable[[], State]:
        self._step("same", goal)
        state = replace(goal.state(inputs), id=old.id, outputs=old.outputs)
        return lambda: self._put(state, old)

    def _made(self, goal: Goal, inputs: Properties, made: Made) -> State:
        outputs = keep_secrets(made.outputs, inputs, also=goal.additional_secret_outputs)
        return replace(goal.state(made.inputs or inputs), id=made.id, outputs=outputs, init_errors=made.reasons)

    def _do(self, kind: str, goal: Goal, call: Callable[[], Made], keep: Callable[[Made], None]) -> State:
        """Run the call as an operation that the state file shows, and fail on what came into being but did not come up."""
        made = self.snapshot.perform(kind, goal.urn, call, keep)
        if made.reasons:
            raise self.fail(goal.urn, "; ".join(made.reasons))
        return self._current(goal)

    def _create(self, goal: Goal, inputs: Properties, op: str, old: State | None) -> Callable[[], State]:
        self._step(op, goal)

        def keep(made: Made) -> None:
            stays = old is not None and old.alive and not old.external
            if old is not None and stays:
                old.delete = True
            self.snapshot.put(self._made(goal, inputs, made), None if stays else old)

        if self.preview:
            return lambda: self._foresee(goal, Made("", inputs), keep)
        return lambda: self._do("creating", goal, lambda: self.plugin.create(goal.urn, inputs), keep)

    def _update(self, goal: Goal, old: State, inputs: Properties, diff: tuple[str, ...]) -> Callable[[], State]:
        self._step("update", goal, diff)

        def keep(made: Made) -> None:
            self.snapshot.put(self._made(goal, inputs, made), old)

        if self.preview:
            return lambda: self._foresee(goal, Made(old.id, inputs), keep)
        return lambda: self._do("updating", goal, lambda: self.plugin.update(old, inputs, goal.ignore_changes), keep)

    def _foresee(self, goal: Goal, made: Made, keep: Callable[[Made], None]) -> State:
        """What a plug-in without previews gives: inputs stand for outputs, and the SDK takes the rest as unknown."""
        with self.snapshot.change():
            keep(made)
        return self._current(goal)

    def _current(self, goal: Goal) -> State:
        state = self.snapshot.of(goal.urn)
        assert state is not None
        return state

    def _replace(
        self,
        goal: Goal,
        old: State,
        inputs: Properties,
        diff: tuple[str, ...],
        replaced: tuple[str, ...],
        *,
        provider_deletes_first: bool,
    ) -> Callable[[], State]:
        if old.protect and goal.protect:
            raise self.fail(goal.urn, PROTECTED.format(urn=goal.urn))
        first = provider_deletes_first if goal.delete_before_replace is None else goal.delete_before_replace
        if first:
            doomed = [*needing_replacement(self.snapshot, self.plugin, old), old]
            if not self.deletions.run(doomed, before_replacement=True):
                raise StepFailed(f"{goal.urn} could not be deleted")
            old = self.snapshot.of(goal.urn) or old
        self._step("replace", goal, diff, replaced)
        return self._create(goal, inputs, "create-replacement", old)


def _ignoring(goal: Goal, old: State) -> Properties:
    """The goal's inputs, with those that the program ignores as they were."""
    kept = {key: old.inputs[key] for key in goal.ignore_changes if key in old.inputs}
    return {key: value for key, value in goal.inputs.items() if key not in goal.ignore_changes} | kept
