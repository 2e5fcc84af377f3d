"""How the account of a plan looks: for each function version where it goes and why, or why it goes nowhere."""

from __future__ import annotations

import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from cloudlayer.cli.output import counted, plain

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Preview
    from cloudlayer.scheduler.account import Account, Missing
    from cloudlayer.scheduler.choices import Choice

WIDEST: Final = 100
"""Lines longer than this are hard to read."""
WIDTH: Final = 80
"""How long lines are where there is no terminal."""


def account_of(preview: Preview) -> Account:
    """Why the plan of a preview is as it is."""
    from cloudlayer.scheduler.account import account

    return account(preview.plan, preview.demands, preview.machines, preview.offers, preview.rules)


def print_account(account: Account) -> None:
    """Print all of it, a paragraph for each function version."""
    choices: dict[str, list[Choice]] = defaultdict(list)
    missing: dict[str, list[Missing]] = defaultdict(list)
    for choice in account.choices:
        choices[choice.group].append(choice)
    for lack in account.missing:
        missing[lack.group].append(lack)
    for group in sorted(choices.keys() | missing.keys()):
        print(f"\n{group}: {counted(len(choices[group]) + len(missing[group]), 'replica')}")
        for line in [*_placed(choices[group]), *_lacking(missing[group])]:
            print(line)
    sys.stdout.flush()


def account_document(account: Account) -> dict[str, Any]:
    """The same as JSON has it, by replica, each with its sentences."""
    from cloudlayer.scheduler import telling

    return {
        "placed": [{**plain(choice), "why": list(telling.told(choice))} for choice in account.choices],
        "unplaced": [missing_document(missing) for missing in account.missing],
    }


def missing_document(missing: Missing) -> dict[str, Any]:
    """A replica without a place as JSON has it."""
    from cloudlayer.scheduler import telling

    return {**plain(missing), "why": [*telling.lacking(missing.explanation), *telling.moves(missing.moves)]}


def lines(sentences: Iterable[str], indent: str) -> list[str]:
    """The sentences as a paragraph of lines that fit the terminal."""
    width = min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDEST) if sys.stdout.isatty() else WIDTH
    room = max(20, width - 1)
    return wrap(" ".join(sentences), room, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _placed(choices: Sequence[Choice]) -> Iterator[str]:
    """Those that are alike in all but their machine are told once."""
    from cloudlayer.scheduler import telling

    alike: dict[Choice, list[Choice]] = defaultdict(list)
    for choice in choices:
        alike[replace(choice, demand="", machine="" if choice.bought else choice.machine)].append(choice)
    for members in sorted(alike.values(), key=lambda each: (each[0].bought, len(each[0].machine), each[0].machine)):
        yield from lines([_where(members)], "  ")
        yield from lines(telling.told(members[0]), "    ")


def _where(members: Sequence[Choice]) -> str:
    from cloudlayer.scheduler import telling

    machines = sorted({choice.machine for choice in members}, key=lambda name: (len(name), name))
    named = machines[0] if len(machines) == 1 else f"{machines[0]} and {len(machines) - 1} like it"
    first = members[0]
    how = "to buy" if first.bought else "there already"
    if first.offer is None:
        return f"{len(members)} on {named}, {how}."
    offer = first.offer
    what = f"{offer.machine_type.name} in {offer.zone}, {offer.purchase.replace('_', '-')}, for {telling.price(offer.price)}"
    return f"{len(members)} on {named}, {how}: {what}{' each' * (len(machines) > 1)}."


def _lacking(missing: Sequence[Missing]) -> Iterator[str]:
    alike: dict[Missing, list[Missing]] = defaultdict(list)
    for lack in missing:
        alike[replace(lack, demand="")].append(lack)
    for lack, members in alike.items():
        yield from lines([f"{len(members)} without a place."], "  ")
        yield from lacking_lines(lack, "    ")


def lacking_lines(missing: Missing, indent: str) -> list[str]:
    """Why a replica has no place, as a paragraph."""
    from cloudlayer.scheduler import telling

    reason = missing.reason
    own = [] if reason == missing.explanation.reason else [f"{reason[:1].upper()}{reason[1:]}."]
    return lines([*own, *telling.lacking(missing.explanation), *telling.moves(missing.moves)], indent)
