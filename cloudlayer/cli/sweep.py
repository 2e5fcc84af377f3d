"""`cloudlayer sweep`: what a cloud has and no store knows, what the store knows and no cloud has, and what is half done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloudlayer.cli import options
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.output import complain, confirm, counted, note, print_json, print_table
from cloudlayer.errors import CloudLayerError, InvalidSpec

if TYPE_CHECKING:
    from cloudlayer.fleet.findings import Finding

app = options.application()

FINDINGS = ("WHAT IS DONE", "PROVIDER", "FLEET", "KIND", "OF", "WHY")
MENDS = {"unknown": "delete", "lost": "forget", "unfinished": "take away"}
"""What is done about each kind of finding."""


@app.command()
def sweep(
    provider: options.Providers = None,
    stack: Annotated[
        Path | None, typer.Option("--stack", metavar="FILE", help="Of this stack, as `pulumi stack export` wrote it.")
    ] = None,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Find things of ours that no fleet knows, and delete them; find those that are gone, and forget them.

    Things are machines, scaling groups, load balancers, volumes, snapshots, shares and their pieces. Shows what it found and
    asks first. What others own is never touched. The JSON is what was found; 0 as the exit code says that it is dealt with.

    What was begun less than 2 minutes ago is spared, since it may still be under way, and at some clouds the pieces of things
    are spared for up to a quarter of an hour: look again then.

    With --stack: find what a Pulumi stack left at the named providers, and delete it: what carries the stack's owner label and
    is in no resource of the file. Nothing is spared then, so no run of the stack may be under way.
    """
    if stack is not None:
        _sweep_stack(stack, provider or [], yes=yes, json=json)
        return
    with opened() as fleets:
        from cloudlayer.fleet import findings as looking
        from cloudlayer.fleet import sweep as sweeping

        found = looking.find(fleets, provider or [], others=not provider)
        _show(found, json=json)
        if young := looking.spared(fleets, provider or [], others=not provider):
            note(f"{counted(young, 'thing')} begun less than 2 minutes ago: spared, look again then")
        if not found:
            return
        confirm(f"Delete or forget {counted(len(found), 'thing')}?", yes=yes)
        _tell(found, sweeping.sweep(fleets, found))


def _sweep_stack(path: Path, providers: Sequence[str], *, yes: bool, json: bool) -> None:
    if not providers:
        raise InvalidSpec("--stack: say which providers to look at, by --provider, as often as needed")
    with opened() as fleets:
        from cloudlayer.fleet import stacks

        state = stacks.read(path)
        found = stacks.find(fleets, state, providers)
        _show(found, json=json)
        if state.pending:
            note(f"{counted(state.pending, 'operation')} of the stack broken off: if it is still in use, run it first")
        if found:
            confirm(f"Delete {counted(len(found), 'thing')}?", yes=yes)
            _tell(found, stacks.delete(fleets, state, found))


def _tell(found: Sequence[Finding], failures: Sequence[tuple[Finding, CloudLayerError]]) -> None:
    note(f"swept {counted(len(found) - len(failures), 'thing')}")
    for finding, error in failures[:-1]:
        complain(f"{finding.thing} {finding.subject}: {error}")
    if failures:
        raise failures[-1][1]


def _show(findings: list[Finding], *, json: bool) -> None:
    if json:
        print_json(findings)
        return
    rows = [(MENDS[item.kind], item.provider, item.fleet, item.thing, item.subject, item.why) for item in findings]
    print_table(FINDINGS, rows, empty="nothing is unknown and nothing is lost")
