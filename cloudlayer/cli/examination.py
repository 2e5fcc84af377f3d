"""`cloudlayer doctor PROVIDER`: one provider in full: what is wrong, which interfaces it has, and how near its limits are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import typer

from cloudlayer.cli.connections import connect
from cloudlayer.cli.exits import ExitCode
from cloudlayer.cli.output import note, plain, print_json, print_table
from cloudlayer.cli.tables import QUOTAS, is_nearly_full, quota_row
from cloudlayer.errors import CloudLayerError
from cloudlayer.interfaces import Capability, Provider
from cloudlayer.resources import Quota

INTERFACES: Final = {
    "compute": "on_demand",
    "autoscaling": "autoscaling",
    "load balancing": "load_balancing",
    "volumes": "volumes",
    "snapshots": "volume_snapshots",
    "shares": "shares",
}
"""What a provider may have, and the capability that tells."""


@dataclass(frozen=True)
class Examination:
    """What was seen. `untold` says why the limits could not be had."""

    provider: str
    region: str
    wrong: Sequence[str]
    interfaces: dict[str, Capability]
    quotas: Sequence[Quota]
    untold: str | None = None


def examine(name: str, *, json: bool) -> None:
    """Show all about one provider; exit with 1 if something is wrong. A limit that is nearly reached is told, and not wrong."""
    seen = _look(name, connect(name))
    if json:
        quotas = [{**plain(quota), "nearly_full": is_nearly_full(quota)} for quota in seen.quotas]
        print_json({**plain(seen), "quotas": quotas})
    else:
        _show(seen)
    if seen.wrong:
        raise typer.Exit(ExitCode.FAILED)


def _look(name: str, provider: Provider) -> Examination:
    can = provider.capabilities
    interfaces = {interface: can[capability] for interface, capability in INTERFACES.items()}
    wrong = provider.check()
    quotas: Sequence[Quota] = ()
    untold = None
    try:
        quotas = provider.quotas()
    except CloudLayerError as error:
        untold = str(error)
    return Examination(name, provider.region, wrong, interfaces, quotas, untold)


def _show(seen: Examination) -> None:
    rows = [("check", "wrong", fault) for fault in seen.wrong] or [("check", "ok", "")]
    rows += [(name, "yes" if found else "no", found.reason) for name, found in seen.interfaces.items()]
    print_table(["WHAT", "", "WHY OR MEND"], rows)
    if seen.untold is not None:
        note(f"its limits are not told: {seen.untold}")
    else:
        print_table(QUOTAS, [quota_row(quota) for quota in seen.quotas], empty="it tells of no limits")
