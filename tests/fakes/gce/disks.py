"""compute.disks and compute.regionDisks."""

from tests.fakes.gce import machines
from tests.fakes.gce.catalogue import PROJECT
from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import invalid
from tests.fakes.gce.links import Link, last
from tests.fakes.gce.references import Reference
from tests.fakes.gce.store import in_use

SOURCES = ("sourceImage", "sourceSnapshot", "sourceDisk")
PROVISIONED = ("pd-extreme", "hyperdisk-balanced")
LEAST_IOPS, MOST_IOPS = 3000, 160_000
LEAST_THROUGHPUT, MOST_THROUGHPUT = 140, 2400


class Disks(Collection):
    """Disks of zones, and of regions with two replicas."""

    word = "disks"
    schema = "Disk"
    labelled = True
    references = (
        Reference("type", ("diskTypes",), holds=False, missing="invalid"),
        Reference("sourceImage", ("images",), holds=False),
        Reference("sourceSnapshot", ("snapshots",), holds=False),
        Reference("sourceDisk", ("disks",), holds=False),
    )

    def insert(self, ask):
        if ask.query.get("sourceImage"):
            ask.body = ask.body | {"sourceImage": ask.query["sourceImage"]}
        return super().insert(ask)

    def prepare(self, ask, link, document):
        self.complete(link, document)

    def complete(self, link, document):
        """Fill in the type, the size and what comes from the source, or refuse."""
        document.setdefault("type", Link(PROJECT, link.scope, "diskTypes", "pd-standard").url)
        if last(document["type"]) == "local-ssd":
            raise invalid("resource.type", document["type"], "A local SSD is no disk of its own.")
        if link.scope.startswith("regions/") and len(document.get("replicaZones", ())) != 2:
            raise invalid("resource.replicaZones", document.get("replicaZones"), "A regional disk has two replica zones.")
        sources = [name for name in SOURCES if document.get(name)]
        if len(sources) > 1:
            raise invalid(f"resource.{sources[0]}", document[sources[0]], "There can be one source only.")
        least = self._source(document, sources[0]) if sources else 0
        document["sizeGb"] = str(self._size(document, least))
        self._provision(document)
        document |= {"status": "CREATING", "physicalBlockSizeBytes": document.get("physicalBlockSizeBytes", "4096")}
        if not link.scope.startswith("regions/"):
            document.setdefault("enableConfidentialCompute", False)

    def ready(self, link, document):
        document["status"] = "READY"

    def check_deletable(self, link, document):
        for user in document.get("users", ()):
            raise in_use(link, self.cloud.link(user))
        super().check_deletable(link, document)

    def delete(self, ask):
        operation = super().delete(ask)
        link, document = self.found(ask)
        if self.store.is_leaving(link):
            document["status"] = "DELETING"
        return operation

    def resize(self, ask):
        """A disk can only grow."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        size = int(ask.body.get("sizeGb", 0))
        if size < int(document["sizeGb"]):
            raise invalid("sizeGb", size, f"Disk size cannot be decreased from {document['sizeGb']} GB.")
        self._check_size(document, size)
        return self.cloud.operations.begin(ask, link, None, lambda: document.update(sizeGb=str(size)))

    def update(self, ask):
        """Fields by a mask; what a disk provides can be changed where its type is one that is provisioned."""
        return super().patch(ask)

    def revise(self, link, document, new):
        if new["type"] != document["type"] or new["sizeGb"] != document["sizeGb"]:
            raise invalid("resource", link.name, "Type and size are not changed by an update.")
        self._provision(new)

    def create_snapshot(self, ask):
        """Make a snapshot of a disk that is ready."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        return self.cloud["snapshots"].take(ask, link, document, ask.body)

    def attach(self, disk, instance, mode="READ_WRITE"):
        """An instance uses a disk now; its own entry says whether alone."""
        link, document = self.store.found(disk)
        self.check_free(link, document, instance, mode)
        document.setdefault("users", []).append(instance.url)
        document["lastAttachTimestamp"] = self.cloud.timeline.stamp

    def check_free(self, link, document, instance, mode="READ_WRITE"):
        """Refuse a disk that another instance writes to, and one that this instance has."""
        self.store.check_ready(link)
        for user in document.get("users", ()):
            other = self.cloud.link(user)
            if other == instance or mode == "READ_WRITE" or self._writes(other, link):
                raise in_use(link, other)

    def detach(self, disk, instance):
        """An instance uses a disk no more."""
        document = self.store.get(disk)
        if document and instance.url in document.get("users", ()):
            document["users"].remove(instance.url)
            document["lastDetachTimestamp"] = self.cloud.timeline.stamp
            if not document["users"]:
                del document["users"]

    def _writes(self, instance, disk):
        attached = (self.store.get(instance) or {}).get("disks", ())
        return any(one.get("source") == disk.url and one["mode"] == "READ_WRITE" for one in attached)

    def _source(self, document, field):
        """Take over what the source has; its size in GB."""
        if field == "sourceImage":
            source = self.cloud["images"].behind(document[field])
            document[field] = source["selfLink"]
        else:
            source = self.store.get(self.cloud.link(document[field]))
        document[f"{field}Id"] = source["id"]
        for name in ("architecture", "licenses", "guestOsFeatures"):
            if source.get(name):
                document.setdefault(name, source[name])
        return int(source["sizeGb"] if field == "sourceDisk" else source["diskSizeGb"])

    def _size(self, document, least):
        usual = machines.DISK_TYPES[last(document["type"])][1]
        size = int(document.get("sizeGb") or least or usual)
        if size < least:
            raise invalid("resource.sizeGb", size, f"It cannot be smaller than the source's size ({least} GB).")
        self._check_size(document, size)
        return size

    def _check_size(self, document, size):
        low, high = machines.DISK_TYPES[last(document["type"])][2]
        if not low <= size <= high:
            raise invalid("resource.sizeGb", size, f"Disk size must be between {low} GB and {high} GB, inclusive.")

    def _provision(self, document):
        kind, size = last(document["type"]), int(document["sizeGb"])
        for name in ("provisionedIops", "provisionedThroughput"):
            if document.get(name) and kind not in PROVISIONED:
                raise invalid(f"resource.{name}", document[name], f"Disk type {kind} does not support it.")
        if kind == "hyperdisk-balanced":
            _bounded(document, "provisionedIops", LEAST_IOPS, min(MOST_IOPS, max(LEAST_IOPS, size * 500)))
            high = min(MOST_THROUGHPUT, max(LEAST_THROUGHPUT, int(document["provisionedIops"]) // 4))
            _bounded(document, "provisionedThroughput", LEAST_THROUGHPUT, high)
        elif kind == "pd-extreme":
            if document.get("provisionedThroughput"):
                raise invalid("resource.provisionedThroughput", document["provisionedThroughput"], "Not for pd-extreme.")
            _bounded(document, "provisionedIops", 2500, 120_000, 100_000)


def _bounded(document, field, low, high, usual=None):
    value = int(document.get(field) or usual or min(high, low))
    if not low <= value <= high:
        raise invalid(f"resource.{field}", value, f"It must be between {low} and {high}.")
    document[field] = str(value)
