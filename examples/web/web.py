"""A scaling group behind a balancer, with a volume for each member: made, grown, shrunk, deleted, and swept after.

    python examples/web/web.py PROVIDER [--image NAME] [--machine-type NAME] [--yes]

PROVIDER is any that `cloudlayer providers` lists, with a region where it wants one, or a profile of the configuration file:
nothing below is written for one of them. Everything is on record before it is made, as with the command `cloudlayer`, so what
a run that was broken off has left is found by `cloudlayer sweep`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from uuid import uuid4

from cloudlayer.errors import CloudLayerError
from cloudlayer.fleet import ends, findings, things
from cloudlayer.fleet.clouds import canonical
from cloudlayer.fleet.kinds import BALANCER, GROUP, VOLUME, Kind
from cloudlayer.fleet.service import BY_HAND, Fleets
from cloudlayer.fleet.sweep import sweep
from cloudlayer.labels import FLEET, OWNER
from cloudlayer.resources import InstanceSpec, Listener, LoadBalancerSpec, ScalingGroup, ScalingGroupSpec, VolumeSpec
from cloudlayer.units import GIB, MIB

PORT = 8080
SIZES = (2, 4, 1)
PATIENCE = 1200.0
"""Seconds in which a cloud should have done any one of these things."""


class Tour:
    """One group, its balancer and its volumes at one provider."""

    def __init__(self, fleets: Fleets, provider: str, template: InstanceSpec, tell: Callable[[str], None] = print) -> None:
        self.fleets = fleets
        self.cloud = fleets.clouds.provider(provider)
        self.key = canonical(self.cloud)
        self.template = template
        self.tell = tell
        self.volumes: list[str] = []
        self.made = 0

    def run(self) -> None:
        """From nothing to nothing."""
        group = self.make(SIZES[0])
        for size in SIZES[1:]:
            self.cloud.autoscaling.set_desired(group.id, size)
            self.settle(group)
        self.delete(group)
        self.sweep(self.lose_track_of_a_volume())

    def make(self, size: int) -> ScalingGroup:
        """A balancer, and a group behind it with a volume for each member."""
        listener = Listener(port=PORT, protocol="tcp", target_port=PORT)
        balancer = things.create(self.fleets, BALANCER, self.key, LoadBalancerSpec(name="door", listeners=(listener,)))
        balancer = self.cloud.load_balancing.wait(balancer, "active", timeout=PATIENCE)
        self.tell(f"balancer {balancer.name} is at {balancer.address}")
        spec = ScalingGroupSpec(name="web", template=self.template, max=max(SIZES), desired=size, balancer=balancer.id)
        group: ScalingGroup = things.create(self.fleets, GROUP, self.key, spec)
        self.settle(group)
        return group

    def settle(self, group: ScalingGroup) -> None:
        """Wait for the group's members; give each of them a volume, and delete those whose member is gone."""
        settled = self.cloud.autoscaling.wait(group, "active", timeout=PATIENCE)
        zones = {member.instance: member.zone for member in settled.members}
        holders = {volume: self.cloud.storage.get(volume).attached_to for volume in self.volumes}
        for volume, holder in holders.items():
            if holder not in zones:
                self.discard(volume)
        for instance in sorted(zones.keys() - set(holders.values())):
            self.equip(instance, zones[instance])
        targets = self.cloud.load_balancing.health(settled.balancers[0])
        served = sum(target.state != "draining" for target in targets)
        self.tell(f"group {settled.name} has {len(zones)} members with a volume each, {served} of them behind the balancer")

    def equip(self, instance: str, zone: str) -> None:
        """A volume for a member, in its zone."""
        self.made += 1
        spec = VolumeSpec(name=f"data-{self.made}", size=10 * GIB, zone=zone)
        volume = things.create(self.fleets, VOLUME, self.key, spec)
        self.volumes.append(volume.id)
        self.cloud.storage.wait(volume, "available", timeout=PATIENCE)
        self.cloud.storage.attach(volume.id, instance)
        self.cloud.storage.wait(volume, "attached", timeout=PATIENCE)

    def discard(self, volume: str) -> None:
        """Off its machine, and away."""
        self.cloud.storage.detach(volume)
        self.cloud.storage.wait(volume, "available", timeout=PATIENCE)
        self.remove(VOLUME, volume)
        self.volumes.remove(volume)

    def delete(self, group: ScalingGroup) -> None:
        """All of it: the group lets go of the volumes, which stay until they are deleted themselves."""
        balancer = self.cloud.autoscaling.get(group.id).balancers[0]
        self.remove(GROUP, group.id)
        self.remove(BALANCER, balancer)
        for volume in list(self.volumes):
            self.discard(volume)
        self.tell("group, balancer and volumes are deleted")

    def remove(self, kind: Kind, id: str) -> None:
        """Delete a thing and everything that was made for it; comes back when it is gone."""
        ends.delete(self.fleets, kind, [things.found(self.fleets, kind, id).row])

    def lose_track_of_a_volume(self) -> str:
        """A volume of this owner's that the record does not know, as after the loss of a disk and a restored copy."""
        labels = {OWNER: self.fleets.store.owner, FLEET: BY_HAND}
        volume = self.cloud.storage.create(VolumeSpec(size=10 * GIB, labels=labels), token=str(uuid4()))
        self.cloud.storage.wait(volume, "available", timeout=PATIENCE)
        return volume.id

    def sweep(self, lost: str) -> None:
        """What carries this owner's label and is on no record is found. Of that only what this tour lost is deleted here."""
        while found := [one for one in findings.find(self.fleets, [self.key], others=False) if one.subject == lost]:
            for one in found:
                self.tell(f"sweep: {one.thing} {one.subject}: {one.why}")
            for _, error in sweep(self.fleets, found):
                raise error
            self.fleets.clock.sleep(1.0)
        self.tell("sweep: nothing is left")


def main(arguments: list[str] | None = None) -> None:
    """The tour at the provider that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("provider", metavar="PROVIDER")
    parser.add_argument("--image", help="what the members start from, where there are images")
    parser.add_argument("--machine-type", help="by default the cheapest with a quarter of a core and 256 MiB")
    parser.add_argument("--yes", action="store_true", help="do not ask: at a cloud this costs a little")
    given = parser.parse_args(arguments)
    if not given.yes and not (sys.stdin.isatty() and _agrees(given.provider)):
        sys.exit("nothing was made: say --yes where nobody can be asked")
    figures = {"machine_type": given.machine_type} if given.machine_type else {"cpu": 0.25, "memory": 256 * MIB}
    with Fleets() as fleets:
        try:
            Tour(fleets, given.provider, InstanceSpec(image=given.image, **figures)).run()
        except CloudLayerError as error:
            mend = "what was made is in `cloudlayer group list`, `lb list` and `volume list`; `sweep` finds what is half made"
            sys.exit(f"{error}\n{mend}")


def _agrees(provider: str) -> bool:
    return input(f"Make up to {max(SIZES)} machines at {provider}, and delete them? [y/N] ").strip().lower() == "y"


if __name__ == "__main__":
    main()
