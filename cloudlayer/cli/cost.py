"""`cloudlayer cost`: what machines cost so far, at the prices of their launch."""

from __future__ import annotations

import time

from cloudlayer.cli import options
from cloudlayer.cli.fleets import once_named, opened
from cloudlayer.cli.forms import LEDGER, amounts, ledger_row, totals
from cloudlayer.cli.output import note, plain, print_json, print_table

app = options.application()


@app.command()
def cost(fleet: options.Fleet = None, json: options.Json = False) -> None:
    """List what each machine cost so far, those that are no more included, and the total by currency.

    A price that is not known counts as unknown, and never as 0.
    """
    with opened() as fleets:
        entries = fleets.ledger(once_named(fleets, fleet))
    now = time.time()
    sums, unknown = totals(entries, now)
    if json:
        costs = [{**plain(entry), "cost": entry.cost(now)} for entry in entries]
        print_json({"entries": costs, "totals": sums, "unknown": unknown})
        return
    print_table(LEDGER, [ledger_row(entry, now) for entry in entries], empty="no machine was bought")
    if entries:
        note(f"together {amounts(sums, unknown)}")
