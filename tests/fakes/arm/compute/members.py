"""What the members of scale sets of both modes have in common: how many there are, in which zones, and which of them go."""


class BaseMembers:
    """The members of one set."""

    def __init__(self, cloud, resource):
        self.cloud = cloud
        self.resource = resource

    def all(self):
        """Every member that is not being deleted, the oldest first."""
        raise NotImplementedError

    def make(self, zone):
        """One more member in a zone; Refusal where there is no room."""
        raise NotImplementedError

    def remove(self, member):
        """Delete a member with all that is its own."""
        raise NotImplementedError

    def name_of(self, member):
        """What calls about several members name one by."""
        raise NotImplementedError

    def kept(self, member):
        """Whether a member is kept from going when the set shrinks."""
        return False

    def reconcile(self):
        """Make or delete members until there are as many as the capacity says."""
        wanted = self.resource.document["sku"]["capacity"]
        while (members := self.all()) and len(members) > wanted:
            leaving = self._leaving(members)
            if leaving is None:
                return
            self.remove(leaving)
        for _ in range(wanted - len(self.all())):
            self.make(self._zone())

    def _zone(self):
        """The zone with the fewest members; None where the set has no zones."""
        zones = self.resource.document.get("zones") or []
        crowd = self._crowd(self.all())
        return min(zones, key=lambda zone: crowd.get(zone, 0), default=None)

    def _leaving(self, members):
        """The newest member of the zone with the most, as the default policy has it."""
        free = [member for member in members if not self.kept(member)]
        crowd = self._crowd(members)
        return max(free, key=lambda member: (crowd[_zone_of(member)], member.number), default=None)

    def _crowd(self, members):
        found = {}
        for member in members:
            found[_zone_of(member)] = found.get(_zone_of(member), 0) + 1
        return found


def _zone_of(member):
    return next(iter(member.document.get("zones") or []), None)
