"""compute.snapshots and compute.images."""

from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import GceError, invalid, not_found
from tests.fakes.gce.links import Link
from tests.fakes.gce.references import Reference
from tests.fakes.gce.store import MAKING


class Snapshots(Collection):
    """Snapshots of the whole project."""

    word = "snapshots"
    schema = "Snapshot"
    labelled = True
    references = (Reference("sourceDisk", ("disks",), holds=False),)

    def insert(self, ask):
        if not ask.body.get("sourceDisk"):
            raise GceError("required", "Required field 'resource.sourceDisk' not specified")
        disk = self.cloud.link(ask.body["sourceDisk"])
        if disk is None:
            raise invalid("resource.sourceDisk", ask.body["sourceDisk"], "The URL is malformed.")
        if not self.cloud.there(disk):
            raise not_found(disk.path)
        return self.take(ask, disk, self.store.get(disk), ask.body)

    def take(self, ask, disk, source, body):
        """Begin a snapshot of a disk; the operation is the disk's where the call was to the disk."""
        link = Link(ask.project, "global", self.word, body["name"])
        document = self.new(link, {**body, "sourceDisk": disk.url})
        document |= {
            "sourceDisk": disk.url,
            "sourceDiskId": source["id"],
            "diskSizeGb": source["sizeGb"],
            "status": "CREATING",
            "storageBytes": "0",
            "storageBytesStatus": "UPDATING",
            "snapshotType": document.get("snapshotType", "STANDARD"),
        }
        document.setdefault("storageLocations", ["us"])
        for name in ("architecture", "licenses", "guestOsFeatures"):
            if source.get(name):
                document[name] = source[name]

        def finish():
            if self.store.get(disk) is None:
                self.store.drop(link)
                raise not_found(disk.path)
            self.store.ready(link)
            self.ready(link, document)

        on = link if ask.collection == self.word else disk
        return self.cloud.operations.begin(ask, on, lambda: self.store.put(link, document, MAKING), finish)

    def ready(self, link, document):
        size = int(document["diskSizeGb"])
        document |= {"status": "READY", "storageBytes": str(size * 2**20), "storageBytesStatus": "UP_TO_DATE"}


class Images(Collection):
    """The project's own images, and those of the public projects."""

    word = "images"
    schema = "Image"
    labelled = True
    references = (
        Reference("sourceDisk", ("disks",), holds=False),
        Reference("sourceImage", ("images",), holds=False),
        Reference("sourceSnapshot", ("snapshots",), holds=False),
    )

    def get_from_family(self, ask):
        """The youngest image of a family that is not deprecated."""
        return self._youngest(ask.project, ask.parameters["family"])

    def there(self, link):
        if link.name.startswith("family/"):
            return self._youngest(link.project, link.name.removeprefix("family/")) is not None
        return super().there(link)

    def behind(self, url):
        """The image that a URL means, be it of an image or of a family."""
        link = self.cloud.link(url)
        if link.name.startswith("family/"):
            return self._youngest(link.project, link.name.removeprefix("family/"))
        return self.store.get(link)

    def resolve(self, link, document):
        super().resolve(link, document)
        if document.get("sourceImage"):
            document["sourceImage"] = self.behind(document["sourceImage"])["selfLink"]

    def prepare(self, ask, link, document):
        sources = [name for name in ("sourceDisk", "sourceImage", "sourceSnapshot") if document.get(name)]
        if document.get("rawDisk", {}).get("source"):
            size = int(document.get("diskSizeGb") or 10)
        elif len(sources) == 1:
            source = self.store.get(self.cloud.link(document[sources[0]]))
            size = int(source.get("diskSizeGb") or source["sizeGb"])
            document[f"{sources[0]}Id"] = source["id"]
            document.setdefault("architecture", source.get("architecture", "X86_64"))
        else:
            raise invalid("resource.sourceDisk", "", "An image has one source.")
        if sources == ["sourceDisk"] and "forceCreate" not in ask.query:
            self._check_idle(source)
        document.setdefault("diskSizeGb", str(size))
        document |= {"status": "PENDING", "sourceType": "RAW", "archiveSizeBytes": "0"}
        document.setdefault("storageLocations", ["us"])

    def ready(self, link, document):
        document |= {"status": "READY", "archiveSizeBytes": str(int(document["diskSizeGb"]) * 10**8)}

    def deprecate(self, ask):
        """Mark an image as one that is on its way out, or take the mark away."""
        link, document = self.found(ask)
        self.store.check_ready(link)

        def finish():
            document.pop("deprecated", None)
            if ask.body.get("state", "ACTIVE") != "ACTIVE":
                document["deprecated"] = dict(ask.body)

        return self.cloud.operations.begin(ask, link, None, finish)

    def _check_idle(self, disk):
        for user in disk.get("users", ()):
            instance = self.store.get(self.cloud.link(user))
            if instance and instance["status"] not in ("TERMINATED", "STOPPED"):
                message = f"The disk resource '{disk['name']}' is already being used by '{user}'"
                raise GceError("resourceInUseByAnotherResource", message)

    def _youngest(self, project, family):
        found = [
            document
            for link, document in self.store.of(self.word)
            if link.project == project
            and document.get("family") == family
            and document["status"] == "READY"
            and document.get("deprecated", {}).get("state", "ACTIVE") == "ACTIVE"
        ]
        if not found:
            raise not_found(f"projects/{project}/global/images/family/{family}")
        return max(found, key=lambda document: (document["creationTimestamp"], int(document["id"])))
