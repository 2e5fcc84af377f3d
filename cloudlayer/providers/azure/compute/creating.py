"""How batches are made so that a token makes each machine but once: look, make what is not there, put down what was launched.

Names follow from the token, so two that make the same machine at once ask Azure for one and the same. What was there and is
gone is told by the attempt's record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudlayer import labels as names
from cloudlayer.errors import TOKEN_SPENT, CloudError, Conflict
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.compute.instances import is_going
from cloudlayer.providers.azure.compute.launches import Launch
from cloudlayer.providers.azure.compute.making import Begun, Making, Plan
from cloudlayer.providers.azure.compute.pooling import each
from cloudlayer.providers.azure.compute.records import Record, Records
from cloudlayer.providers.azure.compute.views import Document, Views
from cloudlayer.providers.azure.marks import PLACE, same_spec, tags_of
from cloudlayer.resources import Instance


class Creating:
    """Makes the machines of batches, one batch of a token at a time."""

    def __init__(self, making: Making, records: Records, views: Views) -> None:
        self._making = making
        self._records = records
        self._views = views

    def create(self, launches: Sequence[Launch], deadline: Deadline) -> list[Instance | CloudError]:
        """An answer for each launch. Nothing is made before all of them are found good."""
        token, batch = launches[0].token, launches[0].tags[names.SPEC]
        with self._records.turn(token, deadline):
            record = self._records.find(token, deadline)
            if record is not None and record.batch != batch:
                raise _conflict("TokenReused", f"token {token} was used for other specs; make a new one")
            there = self._there(launches, deadline)
            used_up = (record.places if record else frozenset()) - there.keys()
            if used_up and not there:
                raise _conflict(TOKEN_SPENT, f"all instances of token {token} are deleted; make a new one")
            wanted = [launch for launch in launches if launch.place not in used_up]
            plans = self._making.plans([launch for launch in wanted if launch.place not in there], deadline)
            if record is None:
                record = Record(token, batch)
                self._records.write(record, deadline)
            answers = self._answers(wanted, there, plans, deadline)
            self._note(record, answers, deadline)
            gone = _conflict(TOKEN_SPENT, f"this instance of token {token} is deleted: a token never launches twice")
            return [answers.get(launch.place, gone) for launch in launches]

    def _there(self, launches: Sequence[Launch], deadline: Deadline) -> dict[int, Document]:
        """Descriptions of the machines of a batch that live, by place. Conflict if one is of another batch."""
        looked = each(launches, lambda launch: (launch, self._views.find(launch.name, deadline)))
        there = {}
        for launch, found in looked:
            if found is not None and not is_going(found):
                same_spec(tags_of(found), launch.tags[names.SPEC], launch.name)
                there[launch.place] = found
        return there

    def _answers(
        self, launches: Sequence[Launch], there: Mapping[int, Document], plans: Mapping[int, Plan], deadline: Deadline
    ) -> dict[int, Instance | CloudError]:
        """An answer by place. All are begun before the first is followed, so that Azure works on all of them."""

        def begin(launch: Launch) -> Begun | CloudError:
            found = there.get(launch.place)
            if found is None:
                return self._making.begin(launch, plans[launch.place], deadline)
            return self._making.adopt(launch, found)

        def settle(begun: Begun | CloudError) -> Instance | CloudError:
            return begun if isinstance(begun, CloudError) else self._making.settled(begun, until, deadline)

        asked = each(launches, begin)
        until = self._making.settling(deadline)
        return dict(zip((launch.place for launch in launches), each(asked, settle), strict=True))

    def _note(self, record: Record, answers: Mapping[int, Instance | CloudError], deadline: Deadline) -> None:
        """Put down what is launched, so that it is known when it is gone. A record of nothing is dropped."""
        launched = {place for place, answer in answers.items() if isinstance(answer, Instance)}
        if not launched and not record.places:
            self._records.drop(record.token, deadline)
        elif not launched <= record.places:
            self._records.write(Record(record.token, record.batch, record.places | launched), deadline)


def record_of(found: Document) -> Record | None:
    """The record of the one machine that is described; None if it was made by no batch."""
    tags = tags_of(found)
    place = tags.get(PLACE, "")
    if names.TOKEN not in tags or not place.isdigit():
        return None
    return Record(tags[names.TOKEN], tags.get(names.SPEC, ""), frozenset({int(place)}))


def _conflict(code: str, message: str) -> Conflict:
    return Conflict(message, provider="azure", code=code)
