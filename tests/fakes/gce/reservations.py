"""compute.reservations: instances that are paid for, whether they are there or not."""

from tests.fakes.gce.blueprints import RESERVATION
from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import GceError, LateError, invalid
from tests.fakes.gce.links import Link, last
from tests.fakes.gce.store import in_use


class Reservations(Collection):
    """Reservations of a zone. How many instances use one is counted when it is asked."""

    word = "reservations"
    schema = "Reservation"

    def prepare(self, ask, link, document):
        specific = document.get("specificReservation", {})
        machine = specific.get("instanceProperties", {}).get("machineType")
        if not machine or int(specific.get("count", 0)) < 1:
            raise GceError("required", "Required field 'resource.specificReservation' not specified")
        if not self.cloud["machineTypes"].there(Link(link.project, link.scope, "machineTypes", machine)):
            raise invalid("resource.specificReservation.instanceProperties.machineType", machine, "It does not exist.")
        specific |= {"inUseCount": "0", "assuredCount": specific["count"]}
        document.setdefault("specificReservationRequired", False)
        document["status"] = "CREATING"

    def ready(self, link, document):
        document["status"] = "READY"

    def get(self, ask):
        return self._counted(super().get(ask))

    def list(self, ask):
        page = super().list(ask)
        return page | ({"items": [self._counted(one) for one in page["items"]]} if "items" in page else {})

    def aggregated_list(self, ask):
        page = super().aggregated_list(ask)
        for content in page["items"].values():
            if self.word in content:
                content[self.word] = [self._counted(one) for one in content[self.word]]
        return page

    def resize(self, ask):
        """Reserve more or fewer."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        size = int(ask.body.get("specificSkuCount", 0))
        if size < max(1, len(self._users(document))):
            raise invalid("specificSkuCount", size, "It is less than what is in use.")

        def finish():
            document["specificReservation"] |= {"count": str(size), "assuredCount": str(size)}

        return self.cloud.operations.begin(ask, link, None, finish)

    def check_deletable(self, link, document):
        if document["specificReservationRequired"] and self._users(document):
            raise in_use(link, self.cloud.link(self._users(document)[0]["selfLink"]))

    def check_specific(self, link, instance):
        """Refuse an instance that names a reservation which is not there, or is of another machine type.

        One that was not made to be named is for whoever names none.
        """
        for name in instance["reservationAffinity"]["values"]:
            document = self.store.get(Link(link.project, link.scope, self.word, last(name)))
            if document is None:
                raise GceError("invalid", f"Specified reservations [{name}] do not exist.")
            if not document["specificReservationRequired"]:
                raise GceError("invalid", f"{name} can not be targeted as specificReservationRequired is not set.")
            if document["specificReservation"]["instanceProperties"]["machineType"] != last(instance["machineType"]):
                raise GceError("invalid", f"Specified reservations [{name}] do not match the instance's properties.")

    def shortage(self, instance):
        """The error of an operation, where the reservations that an instance names are all in use; None if it can be."""
        names = _named(instance)
        if not names:
            return None
        zone = self.cloud.link(instance["machineType"]).scope
        for name in names:
            document = self.store.get(Link("proj", zone, self.word, name))
            if document and len(self._users(document)) < int(document["specificReservation"]["count"]):
                return None
        return LateError("ZONE_RESOURCE_POOL_EXHAUSTED", f"No available resources in specified reservations {names}.")

    def _counted(self, document):
        specific = document["specificReservation"] | {"inUseCount": str(len(self._users(document)))}
        return document | {"specificReservation": specific}

    def _users(self, document):
        zone = last(document["zone"])
        machine = document["specificReservation"]["instanceProperties"]["machineType"]
        found = []
        for link, instance in self.store.of("instances"):
            if link.zone != zone or last(instance["machineType"]) != machine or instance["status"] == "TERMINATED":
                continue
            affinity = instance["reservationAffinity"].get("consumeReservationType")
            is_free = not document["specificReservationRequired"] and affinity == "ANY_RESERVATION" and not _is_spot(instance)
            if is_free or document["name"] in _named(instance):
                found.append(instance)
        return found[: int(document["specificReservation"]["count"])]


def _named(instance):
    affinity = instance["reservationAffinity"]
    return [last(name) for name in affinity.get("values", ())] if affinity.get("key") == RESERVATION else []


def _is_spot(instance):
    return instance["scheduling"].get("preemptible", False)
