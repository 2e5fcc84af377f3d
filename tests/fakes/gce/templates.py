"""compute.instanceTemplates and compute.regionInstanceTemplates."""

from copy import deepcopy

from tests.fakes.gce import blueprints
from tests.fakes.gce.catalogue import PROJECT
from tests.fakes.gce.collection import Collection, check_labels
from tests.fakes.gce.errors import GceError, invalid
from tests.fakes.gce.links import Link
from tests.fakes.gce.references import Reference


class InstanceTemplates(Collection):
    """Templates of the whole project or of a region. They name types by their bare names, and cannot be changed."""

    word = "instanceTemplates"
    schema = "InstanceTemplate"
    references = (
        Reference("properties.disks.*.initializeParams.sourceImage", ("images",), holds=False),
        Reference("properties.disks.*.initializeParams.sourceSnapshot", ("snapshots",), holds=False),
        Reference("properties.networkInterfaces.*.network", ("networks",), holds=False, missing="invalid"),
        Reference("properties.networkInterfaces.*.subnetwork", ("subnetworks",), holds=False, missing="invalid"),
    )

    def prepare(self, ask, link, document):
        properties = document.get("properties")
        if not properties or not properties.get("machineType"):
            raise GceError("required", "Required field 'resource.properties.machineType' not specified")
        _check_bare("resource.properties.machineType", properties["machineType"])
        for card in properties.get("guestAccelerators", ()):
            _check_bare("resource.properties.guestAccelerators.acceleratorType", card.get("acceleratorType", ""))
        if not properties.get("networkInterfaces"):
            raise invalid("resource.properties.networkInterfaces", "", "At least one network interface is required.")
        if not properties.get("disks") or not properties["disks"][0].get("boot"):
            raise invalid("resource.properties.disks", "", "Boot disk must be specified, as the first disk.")
        for disk in properties["disks"]:
            _check_bare(
                "resource.properties.disks.initializeParams.diskType", disk.get("initializeParams", {}).get("diskType", "")
            )
        check_labels("resource.properties.labels", properties.get("labels", {}))
        blueprints.check_labelled_disks(properties)
        blueprints.check_metadata(properties.get("metadata", {}))

    def properties_in(self, template, scope):
        """What a template says of an instance, as the body of an insert in a zone."""
        body = deepcopy(template["properties"])
        body["machineType"] = Link(PROJECT, scope, "machineTypes", body["machineType"]).url
        for card in body.get("guestAccelerators", ()):
            card["acceleratorType"] = Link(PROJECT, scope, "acceleratorTypes", card["acceleratorType"]).url
        for disk in body["disks"]:
            asked = disk.get("initializeParams", {})
            if asked.get("diskType"):
                asked["diskType"] = Link(PROJECT, scope, "diskTypes", asked["diskType"]).url
        return {name: value for name, value in body.items() if name != "resourceManagerTags"}


def _check_bare(field, name):
    if "/" in name:
        raise invalid(field, name, "A template has a name here, not a URL.")
