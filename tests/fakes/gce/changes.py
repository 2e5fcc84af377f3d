"""What can be changed of an instance: its machine type, metadata, tags, scheduling, addresses and protection."""

from tests.fakes.gce import blueprints
from tests.fakes.gce.collection import Collection, fingerprint
from tests.fakes.gce.errors import GceError, invalid


class Changes(Collection):
    """The setters of instances."""

    def set_machine_type(self, ask):
        """Only while the instance is stopped."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        if document["status"] != "TERMINATED":
            raise GceError("invalid", f"Instance '{link.name}' must be stopped (TERMINATED) for its machine type to change.")
        new = {"machineType": ask.body.get("machineType", "")}
        self.resolve(link, new)
        new["guestAccelerators"] = [] if self._own_cards(document) else document.get("guestAccelerators", [])
        new["guestAccelerators"] = blueprints.accelerators(self.cloud, new)
        blueprints.check_moves(new["machineType"], document["scheduling"])
        if new["guestAccelerators"] and document["scheduling"]["onHostMaintenance"] != "TERMINATE":
            raise GceError("invalid", "Instances with guest accelerators do not support live migration.")
        return self.cloud.operations.begin(ask, link, None, lambda: document.update(new))

    def set_machine_resources(self, ask):
        """Attach other accelerators in the place of all; only while the instance is stopped."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        if document["status"] != "TERMINATED":
            raise GceError("invalid", f"Instance '{link.name}' must be stopped (TERMINATED) for its accelerators to change.")
        new = {"machineType": document["machineType"], "guestAccelerators": ask.body.get("guestAccelerators", [])}
        self.resolve(link, new)
        new["guestAccelerators"] = blueprints.accelerators(self.cloud, new)
        if new["guestAccelerators"] and document["scheduling"]["onHostMaintenance"] != "TERMINATE":
            raise GceError("invalid", "Instances with guest accelerators do not support live migration.")
        return self.cloud.operations.begin(ask, link, None, lambda: document.update(new))

    def set_metadata(self, ask):
        """Put other metadata in the place of all."""
        blueprints.check_metadata(ask.body)
        return self._replaced(ask, "metadata", {"kind": "compute#metadata"})

    def set_tags(self, ask):
        """Put other network tags in the place of all."""
        return self._replaced(ask, "tags", {})

    def set_scheduling(self, ask):
        """How it is restarted and kept; how it is bought only while it is stopped."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        kept = {"machineType": document["machineType"], "guestAccelerators": document.get("guestAccelerators", [])}
        new = {**kept, "scheduling": document["scheduling"] | ask.body}
        bought = ("provisioningModel", "preemptible")
        is_other = any(new["scheduling"].get(name) != document["scheduling"].get(name) for name in bought)
        if is_other and document["status"] != "TERMINATED":
            raise GceError("invalid", "The provisioning model can be changed only while the instance is stopped.")
        blueprints.schedule(new)
        return self.cloud.operations.begin(ask, link, None, lambda: document.update(scheduling=new["scheduling"]))

    def set_deletion_protection(self, ask):
        """Let it be deleted, or not."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        wanted = ask.query.get("deletionProtection", "true") == "true"
        return self.cloud.operations.begin(ask, link, None, lambda: document.update(deletionProtection=wanted))

    def add_access_config(self, ask):
        """Give an interface an address outside."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        interface = _interface(document, ask.query["networkInterface"])
        if interface.get("accessConfigs"):
            raise invalid("accessConfigs", interface["name"], "At most one access config is supported.")
        config = dict(ask.body)
        blueprints.external(self.cloud, link, config)

        def finish():
            interface["accessConfigs"] = [config]
            self.take_addresses(link, document)

        return self.cloud.operations.begin(ask, link, None, finish)

    def delete_access_config(self, ask):
        """Take an interface's address outside away."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        interface = _interface(document, ask.query["networkInterface"])
        if ask.query["accessConfig"] not in [one["name"] for one in interface.get("accessConfigs", ())]:
            raise invalid("accessConfig", ask.query["accessConfig"], "The interface has no such access config.")

        def finish():
            for config in interface.pop("accessConfigs", ()):
                self.cloud["addresses"].free(config["natIP"])

        return self.cloud.operations.begin(ask, link, None, finish)

    def take_addresses(self, link, document):
        """Reserved addresses that an instance has are in use."""
        for config in _configs(document):
            self.cloud["addresses"].take(config["natIP"], link)

    def free_addresses(self, document):
        """They are free again."""
        for config in _configs(document):
            self.cloud["addresses"].free(config["natIP"])

    def _replaced(self, ask, field, fixed):
        link, document = self.found(ask)
        self.store.check_ready(link)

        def check():
            if ask.body.get("fingerprint") != document[field]["fingerprint"]:
                raise GceError("conditionNotMet", "Supplied fingerprint does not match current metadata fingerprint.")

        def finish():
            check()
            items = ask.body.get("items", [])
            document[field] = fixed | {"items": list(items), "fingerprint": fingerprint(items)}

        check()
        return self.cloud.operations.begin(ask, link, None, finish)

    def _own_cards(self, document):
        return bool(self.cloud["machineTypes"].at(self.cloud.link(document["machineType"])).get("accelerators"))


def _configs(document):
    return [config for interface in document["networkInterfaces"] for config in interface.get("accessConfigs", ())]


def _interface(document, name):
    for interface in document["networkInterfaces"]:
        if interface["name"] == name:
            return interface
    raise invalid("networkInterface", name, "The instance has no such interface.")
