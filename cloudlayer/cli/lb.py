"""`cloudlayer lb`: load balancers with their listeners, targets and health checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloudlayer.cli import options, values
from cloudlayer.cli.by_hand import Form, able, agree_unpriced, delete_all, found, make, print_things, show_all
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.output import counted, note, print_json, print_table
from cloudlayer.cli.tables import BALANCERS, TARGETS, balancer_row, print_one, target_row

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Fleets
    from cloudlayer.resources import LoadBalancerSpec

app = options.application("Load balancers: listeners in front, targets behind, a health check between.")
FORM = Form("balancer", BALANCERS, balancer_row)

Listeners = Annotated[
    list[str] | None,
    typer.Option("--listen", metavar="PROTOCOL:PORT[:TARGET_PORT]", help="As in http:80:8080; may be given several times."),
]
TargetOptions = Annotated[
    list[str] | None,
    typer.Option("--target", metavar="KIND:ID", help="instance:ID, address:IP or group:ID; may be given several times."),
]
Targets = Annotated[list[str], typer.Argument(metavar="KIND:ID...", help="instance:ID, address:IP or group:ID.")]
Certificate = Annotated[str | None, typer.Option("--certificate", metavar="ID", help="The provider's id for it, for https.")]
Check = Annotated[
    str | None, typer.Option("--check", metavar="PROTOCOL[:PORT][/PATH]", help="tcp, tcp:8080, http:/well or http:8080/well.")
]
Interval = Annotated[str | None, typer.Option("--interval", metavar="DURATION", help="Between two checks of a target.")]
Drain = Annotated[str | None, typer.Option("--drain", metavar="DURATION", help="For a target that is taken out to finish.")]


@app.command()
def create(
    *,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Its name, unless a file says it.")] = None,
    provider: options.Provider,
    file: options.SpecFile = None,
    listen: Listeners = None,
    certificate: Certificate = None,
    target: TargetOptions = None,
    check: Check = None,
    interval: Interval = None,
    drain: Drain = None,
    public: Annotated[bool, typer.Option("--public", help="Reached from the internet.")] = False,
    label: options.Labels = None,
    wait: options.Wait = False,
    timeout: options.Timeout = "15m",
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Make a balancer, asking where it costs. Repeated after it was broken off, it goes on with the same balancer."""
    health = {**(values.check(check) if check else {}), **values.given({"interval": interval})}
    given = {
        "name": name,
        "listeners": [values.listener(text, certificate) for text in listen or ()],
        "health_check": health,
        "drain": drain,
        "public": public,
        "labels": values.labels(label),
    }
    with opened() as fleets:
        spec = _spec(fleets, values.document(file), values.given(given), target)
        listeners = ", ".join(f"{one.protocol}:{one.port}" for one in spec.listeners)
        agree_unpriced(able(fleets, FORM, provider), f"Make balancer {spec.name} ({listeners})", yes=yes)
        made = make(fleets, FORM, provider, spec, timeout=timeout if wait else None)
    print_things(FORM, [made], json=json)


@app.command("list")
def list_(provider: options.OneProvider = None, json: options.Json = False) -> None:
    """List the balancers that `cloudlayer lb create` made."""
    show_all(FORM, provider, json=json)


@app.command()
def show(name: options.Id, json: options.Json = False) -> None:
    """Show all that the provider tells of one balancer."""
    with opened() as fleets:
        one = found(fleets, FORM, name)
        balancer = one.verbs.get(one.id)
    print_one(balancer, json=json)


@app.command()
def delete(names: options.Ids, yes: options.Yes = False, json: options.Json = False) -> None:
    """Delete balancers, after a look at what they are; their targets stay."""
    delete_all(FORM, names, yes=yes, json=json)


@app.command()
def register(name: options.Id, targets: Targets, json: options.Json = False) -> None:
    """Put targets behind a balancer; those that are there already stay."""
    with opened() as fleets:
        one, wanted = found(fleets, FORM, name), _targets(fleets, targets)
        one.provider.load_balancing.register(one.id, wanted)
    _tell("registered", [target.id for target in wanted], json=json)


@app.command()
def deregister(name: options.Id, targets: Targets, json: options.Json = False) -> None:
    """Take targets out from behind a balancer; comes back when they have finished what they had begun."""
    with opened() as fleets:
        from cloudlayer.fleet.hands import unhurried

        one, wanted = found(fleets, FORM, name), _targets(fleets, targets)
        balancers = one.provider.load_balancing
        unhurried(fleets, lambda deadline: balancers.deregister(one.id, wanted, deadline=deadline))
    _tell("deregistered", [target.id for target in wanted], json=json)


@app.command()
def health(name: options.Id, json: options.Json = False) -> None:
    """List the targets of a balancer and what it thinks of each."""
    with opened() as fleets:
        one = found(fleets, FORM, name)
        states = one.provider.load_balancing.health(one.id)
    if json:
        print_json(states)
    else:
        print_table(TARGETS, [target_row(state) for state in states], empty="it has no target")


def _spec(fleets: Fleets, base: dict[str, Any], given: dict[str, Any], targets: list[str] | None) -> LoadBalancerSpec:
    from cloudlayer.resources import LoadBalancerSpec
    from cloudlayer.specs import checked

    checks = {**base.get("health_check", {}), **given.get("health_check", {})}
    spec = checked(LoadBalancerSpec, {**base, **given, **({"health_check": checks} if checks else {})}, "lb")
    return spec.model_copy(update={"targets": tuple(_targets(fleets, targets))}) if targets else spec


def _targets(fleets: Fleets, texts: list[str]) -> list[Any]:
    """Targets, those that were made here by their names too."""
    from cloudlayer.fleet import instances, things
    from cloudlayer.fleet.kinds import GROUP
    from cloudlayer.resources import TargetSpec

    known: dict[str, Callable[[str], str]] = {
        "instance": lambda ref: instances.resolved(fleets, ref),
        "group": lambda ref: things.resolved(fleets, GROUP, ref),
        "address": str,
    }
    return [TargetSpec(**{kind: known[kind](ref)}) for kind, ref in map(values.target, texts)]


def _tell(what: str, targets: list[str], *, json: bool) -> None:
    if json:
        print_json({what: targets})
    else:
        note(f"{counted(len(targets), 'target')} {what}")
