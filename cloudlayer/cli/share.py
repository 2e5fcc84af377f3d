"""`cloudlayer share`: file systems that many machines mount at once."""

from __future__ import annotations

from typing import Annotated

import typer

from cloudlayer.cli import options, values
from cloudlayer.cli.by_hand import Form, able, agree_unpriced, delete_all, found, make, print_things, show_all
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.output import print_json
from cloudlayer.cli.tables import SHARES, print_one, share_row
from cloudlayer.cli.waiting import awaited
from cloudlayer.units import format_size

app = options.application("File systems that many machines mount at once.")
FORM = Form("share", SHARES, share_row)


@app.command()
def create(
    *,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Its name; one without is called by a number.")] = None,
    provider: options.Provider,
    size: Annotated[str, typer.Option("--size", metavar="SIZE", help="Such as 100GiB; rounded up to what the cloud can make.")],
    protocol: Annotated[str, typer.Option("--protocol", metavar="nfs|smb", help="What machines mount it by.")] = "nfs",
    label: options.Labels = None,
    wait: options.Wait = False,
    timeout: options.Timeout = "15m",
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Make a share, asking where it costs. One with a name, repeated after it was broken off, goes on with the same one."""
    given = {"name": name, "size": size, "protocol": protocol, "labels": values.labels(label)}
    with opened() as fleets:
        from cloudlayer.resources import ShareSpec
        from cloudlayer.specs import checked

        spec = checked(ShareSpec, values.given(given), "share")
        connected = able(fleets, FORM, provider)
        connected.capabilities.require(f"share_{spec.protocol}")
        agree_unpriced(connected, f"Make a share of {format_size(spec.size)} for {spec.protocol}", yes=yes)
        made = make(fleets, FORM, provider, spec, timeout=timeout if wait else None)
    print_things(FORM, [made], json=json)


@app.command("list")
def list_(provider: options.OneProvider = None, json: options.Json = False) -> None:
    """List the shares that `cloudlayer share create` made."""
    show_all(FORM, provider, json=json)


@app.command()
def show(name: options.Id, json: options.Json = False) -> None:
    """Show all that the provider tells of one share."""
    with opened() as fleets:
        one = found(fleets, FORM, name)
        share = one.verbs.get(one.id)
    print_one(share, json=json)


@app.command()
def mount(name: options.Id, timeout: options.Timeout = "10m", json: options.Json = False) -> None:
    """Print the command that mounts a share, once it is ready. It is for the shell of a machine that may reach the share."""
    with opened() as fleets:
        one = found(fleets, FORM, name)
        share = awaited(one.verbs, one.verbs.get(one.id), FORM.kind.ready, timeout)
    if json:
        print_json({"mount_command": share.mount_command})
    else:
        print(share.mount_command)


@app.command()
def delete(names: options.Ids, yes: options.Yes = False, json: options.Json = False) -> None:
    """Delete shares and all that is in them, after a look at what they are."""
    delete_all(FORM, names, yes=yes, json=json)
