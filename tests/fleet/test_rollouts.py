"""Updates: calls find the old version until the new one has proved itself, and the old one comes back if it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloudlayer.fleet import rollouts
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.routing import routes
from cloudlayer.fleet.store import STUCK, ReplicaRow, ReplicaRowState
from cloudlayer.functions.manifest import Manifest
from cloudlayer.interfaces import ReplicaExit
from cloudlayer.specs import checked

NAME, OLD, NEW = "nlp/Mood", "nlp/Mood/1.0.0", "nlp/Mood/1.1.0"


def desired(*functions: dict[str, Any], **fleet: Any) -> Desired:
    wanted = [{"name": NAME, "image": "x:1", "scale": {"min": 2}, **function} for function in functions]
    return Desired(checked(Manifest, {"fleet": {"name": "f", "providers": ["local"], **fleet}, "function": wanted}, ""))


def updated(before: Desired, after: Desired, now: float = 100.0) -> Desired:
    return rollouts.begun(before, after, now)


def replica(wanted: Desired, key: str, **fields: Any) -> ReplicaRow:
    spec = wanted.manifest.of(key)
    assert spec is not None
    row = ReplicaRow(
        "f", "r1", spec.name, spec.version, wanted.digest(spec), "m1", "docker", (), spec.model_dump(mode="json"),
        state=ReplicaRowState.READY, address="http://10.0.0.1:1", created_at=101.0, changed_at=102.0,
    )  # fmt: skip
    return replace(row, **fields)


def failed(wanted: Desired, key: str, number: int) -> ReplicaRow:
    how = str(ReplicaExit.FAILED_TO_LOAD)
    return replica(wanted, key, id=f"r{number}", state=ReplicaRowState.ENDED, exit=how, reason="no such model")


V1, V2 = {"version": "1.0.0"}, {"version": "1.1.0"}
PLAIN = desired(V1)
SWITCH = updated(PLAIN, desired(V2))


def test_what_is_replaced_stays_wanted_until_its_successor_is_proven() -> None:
    wanted = SWITCH.with_kept()
    assert {spec.key for spec in wanted.manifest.function} == {OLD, NEW}
    assert (wanted.kept, wanted.candidates) == ({OLD}, {NEW})


def test_a_document_keeps_an_update_over_a_restart() -> None:
    assert Desired.load(SWITCH.document()) == SWITCH


def test_nothing_is_updated_by_the_first_deployment_nor_by_the_same_again_nor_by_sizes() -> None:
    assert not rollouts.begun(None, PLAIN, 1.0).rollouts
    assert not updated(PLAIN, PLAIN).rollouts
    assert not updated(PLAIN, desired(V1 | {"scale": {"min": 5}})).rollouts
    assert not updated(PLAIN, desired(V1 | {"health": {"tries": 2}})).rollouts


def test_an_update_of_an_update_goes_back_to_what_was_proven() -> None:
    again = updated(SWITCH, desired({"version": "1.2.0"}), 200.0)
    (rollout,) = again.rollouts
    assert [spec.version for spec in rollout.before] == ["1.0.0"]
    assert rollout.since == 200.0


def test_the_user_may_take_an_update_back() -> None:
    assert not updated(SWITCH, PLAIN).rollouts


@pytest.mark.parametrize(("ready", "proven"), [(1, False), (2, True)])
def test_a_version_is_proven_once_as_many_as_it_should_have_stood_for_a_while(ready: int, proven: bool) -> None:
    rows = [replica(SWITCH, NEW, id=f"r{number}") for number in range(ready)]
    assert not rollouts.verdicts(SWITCH.with_kept(), rows, lambda _: rows, 104.9)
    found = rollouts.verdicts(SWITCH.with_kept(), rows, lambda _: rows, 105.0)
    assert [one.failure for one in found] == ([None] if proven else [])


def test_once_it_is_proven_the_old_one_is_wanted_no_more() -> None:
    rows = [replica(SWITCH, NEW, id=f"r{number}") for number in range(2)]
    (found,) = rollouts.verdicts(SWITCH.with_kept(), rows, lambda _: rows, 110.0)
    after = rollouts.ended(SWITCH, found).with_kept()
    assert [spec.key for spec in after.manifest.function] == [NEW]
    assert rollouts.told(found)[0] == "update done"


def test_a_version_that_fails_is_rolled_back_and_the_event_says_so() -> None:
    rows = [failed(SWITCH, NEW, number) for number in range(3)]
    assert not rollouts.verdicts(SWITCH.with_kept(), [], lambda _: rows[:2], 110.0)
    (found,) = rollouts.verdicts(SWITCH.with_kept(), rows, lambda _: rows, 110.0)
    after = rollouts.ended(SWITCH, found)
    assert after == PLAIN
    kind, message = rollouts.told(found)
    assert kind == "rolled back"
    assert message == (
        "nlp/Mood is 1.0.0 again: nlp/Mood/1.1.0: 3 replicas failed in the update, the last one because: no such model. "
        "Mend it, and deploy it anew"
    )


def test_failures_from_before_the_update_do_not_count() -> None:
    rows = [replace(failed(SWITCH, NEW, number), created_at=99.0) for number in range(3)]
    assert not rollouts.verdicts(SWITCH.with_kept(), rows, lambda _: rows, 110.0)


def test_what_comes_back_fits_the_rest_of_the_manifest() -> None:
    other = {"name": "nlp/Split", "version": "1.0.0"}
    before = desired(V1 | {"calls": ["nlp/Split"], "tolerates": ["gpu"]}, other, taints={"gpu": ["g*"]})
    update = updated(before, desired(V2))
    (found,) = rollouts.verdicts(update.with_kept(), [], lambda _: [failed(update, NEW, number) for number in range(3)], 110.0)
    after = rollouts.ended(update, found)
    assert Desired.load(after.document()).manifest.of(OLD) is not None


def test_a_version_that_is_to_prove_itself_gets_as_many_replicas_as_it_has_to_carry() -> None:
    wanted = updated(desired(V1 | {"scale": {"min": 0}}), desired(V2 | {"scale": {"min": 0, "max": 3}})).with_kept()
    assert rollouts.wanted(wanted, {}, []) == {OLD: 0, NEW: 1}
    there = [replica(wanted, OLD, id=f"o{number}") for number in range(5)]
    assert rollouts.wanted(wanted, {OLD: 5}, there[:2]) == {OLD: 5, NEW: 2}
    assert rollouts.wanted(wanted, {OLD: 5}, there) == {OLD: 5, NEW: 3}
    ready = [replica(wanted, NEW, id=f"n{number}") for number in range(2)]
    assert not rollouts.verdicts(wanted, [*there, *ready], lambda _: [], 110.0)
    assert rollouts.verdicts(wanted, [*there[:2], *ready], lambda _: [], 110.0)


def test_one_that_was_given_up_for_its_health_counts_as_a_failure() -> None:
    rows = [replace(failed(SWITCH, NEW, number), exit=STUCK, reason="it is not healthy any more") for number in range(3)]
    (found,) = rollouts.verdicts(SWITCH.with_kept(), [], lambda _: rows, 110.0)
    assert "not healthy any more" in str(found.failure)


def test_callers_without_a_version_get_the_old_one_and_the_old_form_until_then(tmp_path: Any) -> None:
    home = Home(tmp_path)
    found = {one.version: one for one in routes(1, home, {}, desired=SWITCH.with_kept(), replicas=[], failing={}).versions}
    assert (found["1.0.0"].candidate, found["1.1.0"].candidate) == (False, True)
    form = updated(PLAIN, desired(V1 | {"env": {"A": "b"}}))
    rows = [replica(PLAIN, OLD, id="old"), replica(form, OLD, id="new")]
    (version,) = routes(1, home, {}, desired=form.with_kept(), replicas=rows, failing={}).versions
    assert not version.candidate
    assert [one.id for one in version.replicas] == ["old"]
    (version,) = routes(1, home, {}, desired=form.with_kept(), replicas=rows[1:], failing={}).versions
    assert [one.id for one in version.replicas] == ["new"]
