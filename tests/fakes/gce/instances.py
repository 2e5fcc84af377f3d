"""compute.instances: how they come, run, stop and go."""

from tests.fakes.gce import blueprints
from tests.fakes.gce.attachments import Attachments
from tests.fakes.gce.catalogue import PROJECT
from tests.fakes.gce.changes import Changes
from tests.fakes.gce.errors import GceError, LateError, not_found
from tests.fakes.gce.links import Link
from tests.fakes.gce.references import Reference
from tests.fakes.gce.store import MAKING

STOPPED = ("TERMINATED", "STOPPED")


class Instances(Attachments, Changes):
    """Instances of a zone; those of groups are made and deleted here too."""

    word = "instances"
    schema = "Instance"
    labelled = True
    references = (
        Reference("machineType", ("machineTypes",), missing="invalid"),
        Reference("disks.*.source", ("disks",)),
        Reference("disks.*.initializeParams.sourceImage", ("images",), holds=False),
        Reference("disks.*.initializeParams.sourceSnapshot", ("snapshots",), holds=False),
        Reference("disks.*.initializeParams.diskType", ("diskTypes",), holds=False, missing="invalid"),
        Reference("networkInterfaces.*.network", ("networks",), missing="invalid"),
        Reference("networkInterfaces.*.subnetwork", ("subnetworks",), missing="invalid"),
        Reference("guestAccelerators.*.acceleratorType", ("acceleratorTypes",), missing="invalid"),
    )

    def __init__(self, cloud):
        super().__init__(cloud)
        self._doomed = {}
        self._up = {}

    def insert(self, ask):
        if template := ask.query.get("sourceInstanceTemplate"):
            link = self.cloud.link(template)
            found = link and self.store.get(link)
            if not found:
                raise not_found(template)
            ask.body = self.cloud["instanceTemplates"].properties_in(found, ask.scope) | ask.body
        link = Link(ask.project, ask.scope, self.word, ask.body["name"])
        document, disks = self.planned(link, ask.body)
        self.cloud["regions"].check_room(document, link)
        failure = self.shortage(document)
        if failure:
            return self.cloud.operations.begin(ask, link, None, _failing(failure))
        return self.cloud.operations.begin(
            ask, link, lambda: self.start_up(link, document, disks), lambda: self.come_up(link, document)
        )

    def planned(self, link, body):
        """An instance as it will be, and its new disks as (link, document) pairs; GceError where it cannot be."""
        document = self.new(link, body)
        blueprints.check_labelled_disks(document)
        blueprints.complete(self.cloud, link, document)
        return document, self.plan_disks(link, document)

    def shortage(self, document):
        """The error of which there is no instance: no more room, or a reservation that is full. None if it can be."""
        failure = self.cloud["reservations"].shortage(document)
        if not failure and self.cloud.options.room == 0:
            failure = exhausted(self.cloud.link(document["machineType"]))
        return failure

    def start_up(self, link, document, disks):
        """The instance is there, and on its way up."""
        if self.cloud.options.room is not None:
            self.cloud.options.room -= 1
        self.cloud.launched += 1
        if self.cloud.options.failing:
            self._doomed[document["id"]] = self.cloud.options.failing
        self.store.put(link, document, MAKING)
        self.store.ready(link)
        self.settle_disks(link, document, disks)
        self.take_addresses(link, document)
        self._climb(document)

    def come_up(self, link, document):
        """The instance runs, unless it is gone by now; one that was to fail is gone then."""
        failing = self._doomed.pop(document["id"], "")
        if self.store.get(link) is not document or self.store.is_leaving(link):
            return
        if failing:
            self.vanish(link, document)
            raise LateError(failing, f"Instance '{link.name}' creation failed: {failing}")
        document |= {"status": "RUNNING", "lastStartTimestamp": self.cloud.timeline.stamp}
        self._up[link] = self.cloud.timeline.now
        for disk in document["disks"]:
            if "source" in disk:
                self.store.get(self.cloud.link(disk["source"]))["status"] = "READY"

    def delete(self, ask):
        link, document = self.found(ask)
        self.store.check_ready(link)
        if document["deletionProtection"]:
            raise GceError("resourceInUseByAnotherResource", f"Resource '{link.path}' is protected against deletion.")
        return self.cloud.operations.begin(ask, link, lambda: self.go_down(link, document), lambda: self.vanish(link, document))

    def up_since(self, link):
        """When an instance began to run."""
        return self._up[link]

    def go_down(self, link, document):
        """The instance is on its way out."""
        document["status"] = "STOPPING"
        self.store.leave(link)

    def vanish(self, link, document):
        """The instance is gone, with the disks that go with it; the others are free again."""
        self.store.drop(link)
        self._up.pop(link, None)
        self.give_up_disks(link, document)
        self.free_addresses(document)
        self.cloud.forget_instance(link)

    def start(self, ask):
        """Start one that is stopped; the room for it may be gone."""
        link, document = self._movable(ask)
        if document["status"] in STOPPED:
            if self.cloud.options.room == 0:
                failure = exhausted(self.cloud.link(document["machineType"]))
                return self.cloud.operations.begin(ask, link, None, _failing(failure))
            return self.cloud.operations.begin(ask, link, lambda: self._climb(document), lambda: self.come_up(link, document))
        return self.cloud.operations.begin(ask, link)

    def stop(self, ask):
        """Stop one; what is stopped stays so."""
        link, document = self._movable(ask)
        if document["status"] in STOPPED:
            return self.cloud.operations.begin(ask, link)
        if "discardLocalSsd" not in ask.query and any(disk["type"] == "SCRATCH" for disk in document["disks"]):
            raise GceError("badRequest", "VM has a Local SSD attached but an undefined value for `discard-local-ssd`.")

        def finish():
            if self.store.get(link) is document and not self.store.is_leaving(link):
                document.update(status="TERMINATED", lastStopTimestamp=self.cloud.timeline.stamp)

        return self.cloud.operations.begin(ask, link, lambda: document.update(status="STOPPING"), finish)

    def reset(self, ask):
        """Press the button of one that runs."""
        link, document = self._movable(ask)
        if document["status"] != "RUNNING":
            raise GceError("resourceNotReady", f"The resource '{link.path}' is not ready")
        return self.cloud.operations.begin(ask, link)

    def get_serial_port_output(self, ask):
        """What the console has said."""
        link, document = self.found(ask)
        said = f"Booting {document['name']}\n" if document["status"] == "RUNNING" else ""
        start = int(ask.query.get("start", 0))
        return {
            "kind": "compute#serialPortOutput",
            "selfLink": f"{link.url}/serialPort",
            "contents": said[start:],
            "start": str(start),
            "next": str(max(start, len(said))),
        }

    def _movable(self, ask):
        link, document = self.found(ask)
        self.store.check_ready(link)
        if document["status"] == "STOPPING":
            raise GceError("resourceNotReady", f"The resource '{link.path}' is not ready")
        return link, document

    def _climb(self, document):
        document["status"] = "PROVISIONING"
        half = self.cloud.options.delay / 2

        def stage():
            if document["status"] == "PROVISIONING":
                document["status"] = "STAGING"

        if half:
            self.cloud.timeline.later(half, stage)


def exhausted(machine):
    """What an operation tells where a zone has no more room."""
    zone = f"projects/{PROJECT}/{machine.scope}"
    message = f"The zone '{zone}' does not have enough resources available to fulfill the request.  Try a different zone."
    return LateError("ZONE_RESOURCE_POOL_EXHAUSTED", message)


def _failing(error):
    def finish():
        raise error

    return finish
