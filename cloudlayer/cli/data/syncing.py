"""`cloudlayer data sync`, and how a run over a whole tree is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cloudlayer.cli import options
from cloudlayer.cli.data import application as given
from cloudlayer.cli.data.application import app
from cloudlayer.cli.data.places import Place, place
from cloudlayer.cli.data.progress import Line, told
from cloudlayer.cli.exits import ExitCode, Refused
from cloudlayer.cli.output import confirm, counted, note, plain, print_json, print_table, table_stream
from cloudlayer.units import format_size

if TYPE_CHECKING:
    from cloudlayer.storage.bulk import Ears, Report, Step, Wanted
    from cloudlayer.storage.objects import ObjectInfo

_SHOWN: Final = 20
"""Objects that are shown before they are deleted; the others are counted."""
_STEPS: Final = ("NAME", ">SIZE", "WHY")
_DOOMED: Final = ("DELETE", ">SIZE", "MODIFIED")


@app.command()
def sync(
    *,
    source: given.SourceTree,
    target: given.Tree,
    delete: Annotated[bool, typer.Option("--delete", help="Delete at the target what the source has not.")] = False,
    checksum: Annotated[bool, typer.Option("--checksum", help="Compare the contents of what seems the same.")] = False,
    include: given.Include = None,
    exclude: given.Exclude = None,
    dry_run: given.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Make TARGET have what SOURCE has, moving only what differs. One that broke off goes on when it is started again.

    Objects that could not be brought over are told, the others go on, and the exit code is 1.
    """
    from cloudlayer import storage
    from cloudlayer.storage.bulk import Globs, Wanted

    globs = Globs.of(include or (), exclude or ())
    with storage.connect() as client:
        wanted = Wanted(delete=delete, checksum=checksum, dry_run=dry_run, globs=globs)
        run(place(client, source), place(client, target), wanted, yes=yes, json=json)


def run(source: Place, target: Place, wanted: Wanted, *, yes: bool, json: bool) -> None:
    """Bring one tree into another, tell how it goes and went, and exit with 1 if something failed."""
    from cloudlayer.storage.bulk import sync

    if wanted.delete and not (yes or wanted.dry_run):
        check_can_ask(f"Objects that {source.given} has not are to be deleted in {target.given}.")
    steps: list[Step] = []
    with Line() as line:
        ears = hearing(line, yes=yes or wanted.dry_run, json=json, steps=steps if wanted.dry_run else None)
        report = sync(source.tree(), target.tree(), wanted, ears)
    if wanted.dry_run and not json:
        print_table(_STEPS, [(step.name, format_size(step.source.size), step.why) for step in steps], empty="nothing differs")
    finish(report, json=json, steps=steps if wanted.dry_run else None)


def hearing(line: Line, *, yes: bool, json: bool, steps: list[Step] | None = None) -> Ears:
    """Who hears of a run: the terminal, and whoever has to agree to what is deleted."""
    from cloudlayer.storage.bulk import Ears

    def agree(count: int, doomed: Iterator[tuple[str, ObjectInfo]]) -> bool:
        line.clear()
        _show_doomed(count, doomed, json=json)
        confirm(f"Delete {counted(count, 'object')}?", yes=yes)
        return True

    keep = steps.append if steps is not None else _forget
    return Ears(on_step=keep, on_failure=line.failure, progress=line.report, agree=agree)


def _forget(step: Step) -> None:
    """Progress tells of it already."""


def _show_doomed(count: int, doomed: Iterator[tuple[str, ObjectInfo]], *, json: bool) -> None:
    rows = [
        (name, format_size(info.size), f"{info.modified:%Y-%m-%d %H:%M:%S}" if info.modified else None)
        for name, info in islice(doomed, _SHOWN)
    ]
    print_table(_DOOMED, rows, stream=table_stream(json=json))
    if count > _SHOWN:
        note(f"and {count - _SHOWN:,} more")


def check_can_ask(what: str) -> None:
    """Refused, before anything is done, where nobody could be asked later."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(f"{what} There is no terminal to ask on: give --yes to agree, or --dry-run to see them")


def finish(report: Report, *, json: bool, steps: list[Step] | None = None) -> None:
    """Tell a report, or what it would be of the `steps`; exit with 1 if something failed."""
    if json:
        planned = {} if steps is None else {"dry_run": [{"name": step.name, "why": step.why} for step in steps]}
        print_json({**plain(report), **planned})
    else:
        print(told(report) if steps is None else f"would be: {told(report)}")
    if report.failed:
        raise typer.Exit(ExitCode.FAILED)
