"""The life of a resource over one of our interfaces: checked, made, compared, changed, looked at, taken away.

What a resource was asked to be is kept in its outputs as a fingerprint of each property, under `asked`: values may be secret,
and outputs that are not named as an input is are kept in the clear. A property whose fingerprint is another one now is changed,
in place where the provider can and by a replacement where it cannot. Where somebody else changed the thing, a refresh names the
property under `drifted`, and the next update heals it as it does any change. Other options of the provider (a rotated key) are
an update that does nothing at the cloud: refreshes and deletes see the outputs alone, and log in with what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult

from cloudlayer.errors import NotFound
from cloudlayer.fleet.kinds import is_gone
from cloudlayer.infra import inputs, making
from cloudlayer.infra.errors import told
from cloudlayer.infra.inputs import LOGICAL, OPTIONS, OURS, OWNER, PROVIDER, REGION, Inputs
from cloudlayer.infra.shapes import Document, Shape
from cloudlayer.infra.values import fingerprint, is_known, plain

ASKED: Final = "asked"
SEEN: Final = "seen"
DRIFTED: Final = "drifted"
STATE: Final = "state"
ZONE: Final = "zone"


class Life(ResourceProvider):
    """What Pulumi calls for a resource of a shape. It is pickled into every resource's state, and so has none of its own."""

    serialize_as_secret_always = False
    shape: Shape

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """What is wrong, property by property; what a preview does not know yet is not judged."""
        return CheckResult(news, inputs.failures(self.shape, news))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Which properties are other ones than were asked for, or have drifted, and which of them replace the thing."""
        changed = self._changed(_olds, _news)
        replaces = sorted(changed - self._in_place(_olds, _news)) if changed - {OPTIONS} else []
        return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=True)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Make the thing, and wait until it is of use. A create that was broken off is gone on with."""
        asked = inputs.of(self.shape, props)
        with told(f"create {asked.label}"):
            thing = making.made(asked)
            return CreateResult(thing.id, self._outputs(asked, thing))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """The thing as it is now; none where it is gone."""
        before = plain(props)
        with told(f"read {self.shape.noun} {id_}"):
            provider = inputs.provider_of(before)
            try:
                thing = self.shape.verbs(provider).get(id_)
            except NotFound:
                return ReadResult("", {})
            if is_gone(thing):
                return ReadResult("", {})
            was, is_now = before.get(SEEN, {}), self._seen(provider, thing, before)
        drifted = {name for name in was if is_now.get(name) != was[name]} | ({STATE} if _has_failed(thing.state) else set())
        return ReadResult(id_, {**before, **self.shape.told(thing), DRIFTED: sorted(drifted)})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Bring the thing to what is asked for, as far as it differs."""
        before = plain(_olds)
        asked = inputs.of(self.shape, {**_news, OWNER: before[OWNER]}, before.get(REGION))
        with told(f"update {asked.label}"):
            if differs := self._changed(_olds, _news) - {OPTIONS}:
                self.shape.change(making.change(asked, _id, differs, before=before))
            return UpdateResult(self._outputs(asked, self.shape.verbs(asked.provider).get(_id)))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete the thing with all that was made for it; returns when it is gone. One that is not there is no error."""
        with told(f"delete {self.shape.noun} {_id}"):
            provider = inputs.provider_of(plain(_props))
            self.shape.before_delete(provider, _id)
            making.remove(self.shape.verbs(provider), _id)

    def _changed(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> frozenset[str]:
        before, now = plain(olds), plain(news)
        asked, wanted = before.get(ASKED, {}), inputs.fingerprints(self.shape, now, before.get(OWNER, ""))
        differ = {name for name in asked.keys() | wanted.keys() if asked.get(name) != wanted.get(name)}
        logs_in_otherwise = {OPTIONS} if before.get(OPTIONS) != now.get(OPTIONS) else set()
        return frozenset(differ | set(before.get(DRIFTED, ())) | logs_in_otherwise)

    def _in_place(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> frozenset[str]:
        """What changes without a replacement.

        A zone that is not known yet is no reason for one: that of a machine which is about to be replaced mostly stays the
        same, and what is on a volume does not come back.
        """
        before, now = plain(olds), plain(news)
        if now.get(PROVIDER) != before.get(PROVIDER) or not is_known(now.get(OPTIONS)):
            return frozenset()
        with told(f"compare {self.shape.noun} {before.get(LOGICAL, '').rpartition('::')[2]}"):
            provider = inputs.of(self.shape, now, before.get(REGION)).provider
            able = self.shape.in_place(provider, before, now)
        waits = {ZONE} if not is_known(now.get(ZONE)) else set()
        return (able | waits | {OPTIONS}) - ({STATE} if _has_failed(before.get(STATE)) else set())

    def _seen(self, provider: Any, thing: Any, document: Document) -> dict[str, str]:
        return {name: fingerprint(value, name) for name, value in self.shape.tracked(provider, thing, document).items()}

    def _outputs(self, asked: Inputs, thing: Any) -> dict[str, Any]:
        document = asked.document
        kept = {name: document[name] for name in OURS | self.shape.echoed if name in document}
        said = {
            REGION: asked.provider.region,
            ASKED: inputs.fingerprints(self.shape, document, document[OWNER]),
            SEEN: self._seen(asked.provider, thing, document),
            DRIFTED: [],
        }
        return {**kept, **self.shape.told(thing), **said}


def _has_failed(state: Any) -> bool:
    """Whether a thing in that state is of no use any more."""
    return str(state) == "failed"
