"""The disks of instances: those made with them, those attached later, and what becomes of them."""

from tests.fakes.gce import blueprints, machines
from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import GceError, invalid
from tests.fakes.gce.links import Link, last

FROM_IMAGE = ("licenses", "guestOsFeatures", "architecture")


class Attachments(Collection):
    """What instances do with disks."""

    def plan_disks(self, link, document):
        """Complete the disks of a new instance; answers the new ones as (link, document) pairs."""
        disks = document.get("disks") or []
        if [disk.get("boot", False) for disk in disks].count(True) != 1 or not disks[0].get("boot"):
            raise GceError(
                "invalid", "Invalid value for field 'resource.disks': ''. Boot disk must be specified, as the first disk."
            )
        made = []
        for place, disk in enumerate(disks):
            new = self._planned(link, document, disk, place)
            made += [new] if new else []
        _check_devices(disks)
        if len({new_link for new_link, _ in made}) < len(made):
            raise GceError("alreadyExists", "Two disks of the instance have the same name.")
        return made

    def settle_disks(self, link, document, made):
        """Make the new disks, and attach all."""
        for disk_link, disk in made:
            self.store.put(disk_link, disk)
        for one in document["disks"]:
            if "source" in one:
                self.cloud["disks"].attach(self.cloud.link(one["source"]), link, one["mode"])

    def give_up_disks(self, link, document):
        """Delete the disks that go with an instance, and let the others go."""
        for one in document["disks"]:
            if "source" not in one:
                continue
            disk = self.cloud.link(one["source"])
            self.cloud["disks"].detach(disk, link)
            if one["autoDelete"]:
                self.store.drop(disk)

    def attach_disk(self, ask):
        """Attach a disk that is there, of the same zone, or of the region."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        disk = self._stored_disk(ask.body)
        if not disk.get("source"):
            raise GceError("required", "Required field 'resource.source' not specified")
        self.resolve(link, {"disks": [disk]})
        self._complete(link, document, disk, len(document["disks"]))
        _check_devices([*document["disks"], disk])
        target = self.cloud.link(disk["source"])

        def finish():
            self.cloud["disks"].attach(target, link, disk["mode"])
            document["disks"].append(disk)

        return self.cloud.operations.begin(ask, link, None, finish)

    def detach_disk(self, ask):
        """Detach a disk by the name of its device; the boot disk only while the instance is stopped."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        disk = _device(document, ask.query["deviceName"])
        if disk["boot"] and document["status"] != "TERMINATED":
            raise GceError("invalid", "The boot disk cannot be detached while the instance runs.")

        def finish():
            if disk in document["disks"]:
                document["disks"].remove(disk)
                self.cloud["disks"].detach(self.cloud.link(disk["source"]), link)

        return self.cloud.operations.begin(ask, link, None, finish)

    def set_disk_auto_delete(self, ask):
        """Say whether a disk goes with the instance."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        disk = _device(document, ask.query["deviceName"])
        wanted = ask.query["autoDelete"] == "true"
        return self.cloud.operations.begin(ask, link, None, lambda: disk.update(autoDelete=wanted))

    def _stored_disk(self, body):
        return self._stored({"disks": [body]})["disks"][0]

    def _planned(self, link, document, disk, place):
        new = None
        asked = disk.pop("initializeParams", None)
        if disk.get("type") == "SCRATCH":
            _check_scratch(disk, asked)
        elif (asked is None) == (not disk.get("source")):
            raise invalid(f"resource.disks[{place}]", "", "A disk has either a source or initializeParams.")
        elif asked is not None:
            new = self._new_disk(link, document, disk, asked, place)
            disk["source"] = new[0].url
        self._complete(link, document, disk, place, new and new[1])
        return new

    def _new_disk(self, link, document, disk, asked, place):
        usual = link.name if disk.get("boot") else f"{link.name}-{place}"
        name = asked.get("diskName") or usual
        disk_link = Link(link.project, link.scope, "disks", name)
        body = {
            "sizeGb": asked.get("diskSizeGb") or disk.get("diskSizeGb"),
            "type": asked.get("diskType"),
            "name": name,
        }
        same = ("labels", "sourceImage", "sourceSnapshot", "provisionedIops", "provisionedThroughput", "description")
        body |= {field: asked.get(field) for field in same}
        if disk.get("boot") and not (asked.get("sourceImage") or asked.get("sourceSnapshot")):
            raise GceError(
                "invalid", "Invalid value for field 'resource.disks[0]': ''. A new boot disk needs an image or a snapshot."
            )
        made = self.cloud["disks"].new(disk_link, {field: value for field, value in body.items() if value is not None})
        self.cloud["disks"].complete(disk_link, made)
        return disk_link, made

    def _complete(self, link, document, disk, place, new=None):
        """What GCE fills in of an attached disk; the disk itself is `new`, or there already."""
        is_scratch = disk.get("type") == "SCRATCH"
        disk |= {
            "kind": "compute#attachedDisk",
            "type": disk.get("type", "PERSISTENT"),
            "mode": disk.get("mode", "READ_WRITE"),
            "boot": disk.get("boot", False),
            "autoDelete": disk.get("autoDelete", is_scratch),
            "deviceName": disk.get("deviceName") or f"{'local-ssd' if is_scratch else 'persistent-disk'}-{place}",
            "index": place,
            "interface": disk.get("interface", "SCSI"),
        }
        if is_scratch:
            return
        there = new or self._free(link, document, disk)
        disk["diskSizeGb"] = there["sizeGb"]
        disk |= {name: there[name] for name in FROM_IMAGE if there.get(name)}
        self._check_fits(document, there, disk["boot"])

    def _free(self, link, document, disk):
        target = self.cloud.link(disk["source"])
        if any(one.get("source") == disk["source"] and one is not disk for one in document["disks"]):
            message = f"The disk resource '{target.path}' is already being used by '{link.path}'"
            raise GceError("resourceInUseByAnotherResource", message)
        there = self.store.get(target)
        self.cloud["disks"].check_free(target, there, link, disk["mode"])
        return there

    def _check_fits(self, document, disk, is_boot):
        machine = self.cloud.link(document["machineType"])
        kind = last(disk["type"])
        if kind not in machines.SERIES_DISKS[machines.series(machine.name)]:
            raise GceError("invalid", f"[{kind}] features are not compatible for creating instance of {machine.name}.")
        wanted = blueprints.architecture(self.cloud, document)
        if is_boot and disk.get("architecture", wanted) != wanted:
            message = f"The selected machine type ({machine.name}) is {wanted}, the disk is {disk['architecture']}."
            raise GceError("invalid", message)


def _check_scratch(disk, asked):
    if disk.get("source") or not asked or last(asked.get("diskType", "")) != "local-ssd":
        raise invalid("resource.disks", "SCRATCH", "A scratch disk has the type local-ssd, and no source.")
    disk["diskSizeGb"] = "375"


def _check_devices(disks):
    names = [disk["deviceName"] for disk in disks]
    if len(set(names)) < len(names):
        raise invalid("resource.disks.deviceName", names[-1], "The device name is used already.")


def _device(document, name):
    for disk in document["disks"]:
        if disk["deviceName"] == name:
            return disk
    raise invalid("deviceName", name, "The instance has no such disk.")
