"""`cloudlayer group`: scaling groups, whose size their provider keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloudlayer.cli import machine_options as machines
from cloudlayer.cli import options, values
from cloudlayer.cli.by_hand import Form, able, agree, delete_all, found, make, print_things, show_all
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.output import confirm, counted, note, print_json, print_table
from cloudlayer.cli.tables import GROUPS, MEMBERS, group_row, member_row, print_one
from cloudlayer.cli.waiting import awaited
from cloudlayer.errors import InvalidSpec

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Fleets
    from cloudlayer.fleet.things import Found
    from cloudlayer.resources import Offer, ScalingGroup, ScalingGroupSpec

app = options.application("Scaling groups: equal machines whose number their provider keeps.")
FORM = Form("group", GROUPS, group_row)

Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="Its name, unless a file says it.")]
Least = Annotated[int | None, typer.Option("--min", min=0, help="Members, at least.")]
Most = Annotated[int | None, typer.Option("--max", min=0, help="Members, at most.")]
Desired = Annotated[int | None, typer.Option("--desired", min=0, help="Members to begin with; else the least.")]
Zones = Annotated[list[str] | None, typer.Option("--zone", help="Spread over these; may be given several times.")]
Balancer = Annotated[str | None, typer.Option("--balancer", metavar="NAME", help="The balancer that the members stand behind.")]
Steps = Annotated[
    list[str] | None,
    typer.Option("--step", metavar="NAME=±N[@PERCENT]", help="A step, taken by `execute` or at that CPU use; several times."),
]
Tracks = Annotated[list[str] | None, typer.Option("--track", metavar="METRIC=N", help="Keep it there, as in cpu_percent=60.")]
Schedules = Annotated[list[str] | None, typer.Option("--schedule", metavar="CRON=MIN..MAX", help="Bounds from a time on, UTC.")]
Cooldown = Annotated[str | None, typer.Option("--cooldown", metavar="DURATION", help="Between two steps of a policy.")]


@app.command()
def create(
    *,
    name: Name = None,
    provider: options.Provider,
    file: options.SpecFile = None,
    least: Least = None,
    most: Most = None,
    desired: Desired = None,
    zone: Zones = None,
    machine_type: machines.MachineType = None,
    gpu: machines.Gpu = None,
    gpu_memory: machines.GpuMemory = None,
    gpu_count: machines.GpuCount = None,
    cpu: machines.Cpu = None,
    memory: machines.Memory = None,
    image: machines.Image = None,
    spot: machines.Spot = False,
    user_data: machines.UserData = None,
    disk: machines.Disks = None,
    public_address: machines.PublicAddress = False,
    open_port: machines.Ports = None,
    step: Steps = None,
    track: Tracks = None,
    schedule: Schedules = None,
    cooldown: Cooldown = None,
    balancer: Balancer = None,
    label: options.Labels = None,
    wait: options.Wait = False,
    timeout: options.Timeout = "15m",
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Make a group of machines, asking where they cost. Repeated after it was broken off, it goes on with the same group."""
    template = machines.machine(
        machine_type=machine_type,
        gpu=gpu,
        gpu_memory=gpu_memory,
        gpu_count=gpu_count,
        cpu=cpu,
        memory=memory,
        image=image,
        spot=spot,
        user_data=user_data,
        disk=disk,
        public_address=public_address,
        open_port=open_port,
    )
    given = _given(
        least=least,
        most=most,
        desired=desired,
        zone=zone,
        step=step,
        track=track,
        schedule=schedule,
        cooldown=cooldown,
        label=label,
    ) | values.given({"name": name})
    with opened() as fleets:
        spec = _spec(fleets, values.document(file), given, template, balancer)
        able(fleets, FORM, provider)
        _agree(fleets, provider, spec, yes=yes)
        made = make(fleets, FORM, provider, spec, timeout=timeout if wait else None)
    print_things(FORM, [made], json=json)


@app.command("list")
def list_(provider: options.OneProvider = None, json: options.Json = False) -> None:
    """List the groups that `cloudlayer group create` made."""
    show_all(FORM, provider, json=json)


@app.command()
def show(name: options.Id, json: options.Json = False) -> None:
    """Show all that the provider tells of one group, and its members."""
    with opened() as fleets:
        one = found(fleets, FORM, name)
        group = one.verbs.get(one.id)
    print_one(group, json=json)
    if not json:
        print_table(MEMBERS, [member_row(member) for member in group.members], empty="it has no member")


@app.command()
def delete(names: options.Ids, yes: options.Yes = False, json: options.Json = False) -> None:
    """Delete groups with their members, after a look at what they are."""
    delete_all(FORM, names, yes=yes, json=json)


@app.command()
def resize(
    *,
    name: options.Id,
    size: Annotated[int, typer.Argument(metavar="SIZE", min=0, help="How many members, within its bounds.")],
    wait: options.Wait = False,
    timeout: options.Timeout = "15m",
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Ask for another number of members, asking where that costs or deletes some."""
    with opened() as fleets:
        one = found(fleets, FORM, name)
        group = one.verbs.get(one.id)
        _agree_size(fleets, one, group, size - group.desired, yes=yes)
        one.provider.autoscaling.set_desired(one.id, size)
        _tell(one, wait=wait, timeout=timeout, json=json)


@app.command()
def update(
    *,
    name: options.Id,
    file: options.SpecFile = None,
    least: Least = None,
    most: Most = None,
    desired: Desired = None,
    zone: Zones = None,
    machine_type: machines.MachineType = None,
    cpu: machines.Cpu = None,
    memory: machines.Memory = None,
    image: machines.Image = None,
    user_data: machines.UserData = None,
    step: Steps = None,
    track: Tracks = None,
    schedule: Schedules = None,
    cooldown: Cooldown = None,
    balancer: Balancer = None,
    label: options.Labels = None,
    wait: options.Wait = False,
    timeout: options.Timeout = "15m",
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Change a group: to what a file says, or in what is given. Another template replaces the members a few at a time."""
    template = machines.machine(machine_type=machine_type, cpu=cpu, memory=memory, image=image, user_data=user_data)
    given = _given(
        least=least,
        most=most,
        desired=desired,
        zone=zone,
        step=step,
        track=track,
        schedule=schedule,
        cooldown=cooldown,
        label=label,
    )
    with opened() as fleets:
        from cloudlayer.fleet import things

        one = found(fleets, FORM, name)
        base = values.document(file) if file else _asked(one, template)
        spec = _spec(fleets, base, {"name": one.row.id} | given, template, balancer)
        _agree(fleets, one.row.provider, spec, yes=yes)
        things.update(fleets, FORM.kind, name, spec)
        _tell(one, wait=wait, timeout=timeout, json=json)


@app.command()
def execute(
    *,
    name: options.Id,
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="The name of one of its step policies.")],
    wait: options.Wait = False,
    timeout: options.Timeout = "15m",
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Take the step of a policy now, asking where that costs or deletes members."""
    with opened() as fleets:
        from cloudlayer.fleet import things

        one = found(fleets, FORM, name)
        asked, _ = things.asked(one.row)
        changes = [rule["change"] for rule in asked["policies"] if rule.get("name") == policy]
        if changes:
            _agree_size(fleets, one, one.verbs.get(one.id), changes[0], yes=yes)
        one.provider.autoscaling.execute(one.id, policy)
        _tell(one, wait=wait, timeout=timeout, json=json)


def _given(
    *,
    least: int | None,
    most: int | None,
    desired: int | None,
    zone: list[str] | None,
    step: list[str] | None,
    track: list[str] | None,
    schedule: list[str] | None,
    cooldown: str | None,
    label: list[str] | None,
) -> dict[str, Any]:
    """The keys of a ScalingGroupSpec that were given, its template and balancer aside."""
    policies = [values.step(text) for text in step or ()] + [values.track(text) for text in track or ()]
    if cooldown is not None:
        policies = [{**policy, "cooldown": cooldown} for policy in policies]
    policies += [values.schedule(text) for text in schedule or ()]
    sizes = {"min": least, "max": most, "desired": desired}
    return values.given({**sizes, "zones": zone, "policies": policies, "labels": values.labels(label)})


def _spec(
    fleets: Fleets, base: dict[str, Any], given: dict[str, Any], template: dict[str, Any], balancer: str | None
) -> ScalingGroupSpec:
    from cloudlayer.fleet import things
    from cloudlayer.fleet.kinds import BALANCER
    from cloudlayer.resources import ScalingGroupSpec
    from cloudlayer.specs import checked

    whole = {**base, **given, "template": {**base.get("template", {}), **template}}
    if named := balancer or whole.get("balancer"):
        whole["balancer"] = things.resolved(fleets, BALANCER, named)
    return checked(ScalingGroupSpec, whole, "group")


def _asked(one: Found, template: dict[str, Any]) -> dict[str, Any]:
    """What was last asked for, to be changed in parts; its size is what it has come to be meanwhile."""
    from cloudlayer.fleet import things

    document, withheld = things.asked(one.row)
    if withheld and "user_data" not in template:
        raise InvalidSpec(f"{one.row.id} has user data, of which nothing is kept here: give --user-data FILE again, or --file")
    return {**document, "desired": None}


def _agree(fleets: Fleets, provider: str, spec: ScalingGroupSpec, *, yes: bool) -> None:
    """Ask where as many machines as the group may come to have cost something."""
    number = max(spec.max, *(rule.max for rule in spec.policies if rule.kind == "scheduled"), 0)
    offer = _dearest(fleets.clouds.provider(provider).compute.offers(), spec)
    agree(offer, number, yes=yes, what="Let it grow to")


def _dearest(offers: list[Offer], spec: ScalingGroupSpec) -> Offer:
    """The offer for the dearest of the machine types that a member may be of, in the group's zones."""
    from cloudlayer.fleet import instances

    here = [offer for offer in offers if not spec.zones or offer.zone in spec.zones]
    others = [spec.template.model_copy(update={"machine_type": name}) for name in spec.machine_types]
    wanted = [*others, spec.template] if spec.template.machine_type or not others else others
    found = [instances.cheapest(here, template) for template in wanted]
    return max(found, key=lambda offer: (offer.price is None, offer.price.amount if offer.price else 0.0))


def _agree_size(fleets: Fleets, one: Found, group: ScalingGroup, change: int, *, yes: bool) -> None:
    from cloudlayer.fleet import things
    from cloudlayer.resources import ScalingGroupSpec

    if change < 0:
        confirm(f"Delete {counted(-change, 'member')} of {group.name}?", yes=yes)
    elif change > 0:
        spec = ScalingGroupSpec.model_validate(things.asked(one.row)[0])
        agree(_dearest(one.provider.compute.offers(), spec), change, yes=yes)


def _tell(one: Found, *, wait: bool, timeout: str, json: bool) -> None:
    """Show the group as it is after a change, or once the change is through."""
    group = one.verbs.get(one.id)
    if wait:
        group = awaited(one.verbs, group, "active", timeout)
    if json:
        print_json(group)
    else:
        note(f"{group.name}: {counted(group.desired, 'member')} desired, {len(group.members)} there, {group.state.value}")
