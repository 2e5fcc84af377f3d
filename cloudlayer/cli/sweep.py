"""`cloudlayer sweep`: what a cloud has and no store knows, and what the store knows and no cloud has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudlayer.cli import options
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.output import confirm, counted, note, print_json, print_table

if TYPE_CHECKING:
    from cloudlayer.fleet.sweep import Finding

app = options.application()

FINDINGS = ("WHAT IS DONE", "PROVIDER", "FLEET", "OF", "WHY")
MENDS = {"unknown": "delete", "lost": "forget"}
"""What is done about each kind of finding."""


@app.command()
def sweep(provider: options.Providers = None, yes: options.Yes = False, json: options.Json = False) -> None:
    """Find machines of ours that no fleet knows, and delete them; find those that are gone, and forget them.

    Shows what it found and asks first. What others own is never touched. The JSON is what was found; 0 as the exit code
    says that it is dealt with.
    """
    with opened() as fleets:
        from cloudlayer.fleet import sweep as sweeping

        findings = sweeping.find(fleets, provider or [])
        _show(findings, json=json)
        if findings:
            confirm(f"Delete or forget {counted(len(findings), 'thing')}?", yes=yes)
            sweeping.sweep(fleets, findings)
            note(f"swept {counted(len(findings), 'thing')}")


def _show(findings: list[Finding], *, json: bool) -> None:
    if json:
        print_json(findings)
        return
    rows = [(MENDS[item.kind], item.provider, item.fleet, item.subject, item.why) for item in findings]
    print_table(FINDINGS, rows, empty="nothing is unknown and nothing is lost")
