"""What the fake Azure itself holds, counted past every API, and pieces planted there as a broken-off create leaves them."""

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit
from uuid import uuid4

from cloudlayer.labels import TOKEN
from cloudlayer.providers.azure.marks import PART_OF, PLACE

KINDS = (
    *("virtualMachines", "disks", "snapshots", "virtualMachineScaleSets", "autoscalesettings", "storageAccounts"),
    *("networkInterfaces", "publicIPAddresses", "networkSecurityGroups", "loadBalancers"),
)
"""What of a thing may carry labels. A record of an attempt (sshPublicKeys) carries none."""

COMPUTE = ("Microsoft.Compute", "2020-12-01")
GROUPS = ("Microsoft.Compute", "2021-03-01")
NETWORK = ("Microsoft.Network", "2021-02-01")
MONITOR = ("Microsoft.Insights", "2015-04-01")
RANGE = "10.200.0.0/16"


def count(arm, labels):
    """How many of each kind are alive that carry all of the labels; kinds of which there are none are left out."""
    found = {kind: sum(labels.items() <= (one.get("tags") or {}).items() for one in arm.things(kind)) for kind in KINDS}
    return {kind: number for kind, number in found.items() if number}


def plant(arm, clock, labels):
    """One leftover of each kind with these labels; how many these are. A fault rule holds for it too: plant before a fault."""
    planter = Planter(arm, clock)
    return sum(part(planter, labels) for part in PLANTERS)


class Planter:
    """Makes resources past the driver, each with its own connection; what it makes is there when `put` returns."""

    def __init__(self, arm, clock):
        self.arm = arm
        self._clock = clock

    def id(self, provider, path):
        """The id of a resource of the group."""
        group = f"/subscriptions/{self.arm.subscription}/resourceGroups/{self.arm.group}"
        return f"{group}/providers/{provider[0]}/{path}"

    def put(self, provider, path, properties, tags=None, **more):
        """Make a resource; its id."""
        made = self.id(provider, path)
        body = {"location": self.arm.location, "properties": properties, "tags": tags or {}, **more}
        self._call("PUT", f"{made}?api-version={provider[1]}", json.dumps(body))
        return made

    def delete(self, provider, made):
        """Delete a resource, which is gone when this returns."""
        self._call("DELETE", f"{made}?api-version={provider[1]}")

    def _call(self, verb, url, body=None):
        connection = HTTPConnection(urlsplit(self.arm.url).netloc)
        headers = {"Authorization": "Bearer planter", "X-Planted": "yes", "Content-Type": "application/json"}
        connection.request(verb, url, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.status < 300, text
        self._clock.sleep(self.arm.options.delay)
        self.arm.settle()

    def subnet(self):
        """The id of a subnet for what needs one."""
        inner = {"name": "inner", "properties": {"addressPrefix": RANGE}}
        properties = {"addressSpace": {"addressPrefixes": [RANGE]}, "subnets": [inner]}
        return f"{self.put(NETWORK, 'virtualNetworks/planted', properties)}/subnets/inner"


def of_launches(planter, labels):
    """What a launch may leave: one of each piece, of a machine that never came to be."""
    machine = f"gone-{uuid4().hex[:16]}"
    tags = {**labels, TOKEN: str(uuid4()), PART_OF: machine, PLACE: "0"}
    planter.put(NETWORK, f"networkSecurityGroups/{machine}-nsg", {"securityRules": []}, tags)
    planter.put(
        NETWORK, f"publicIPAddresses/{machine}-ip", {"publicIPAllocationMethod": "Static"}, tags, sku={"name": "Standard"}
    )
    card = {"ipConfigurations": [{"name": "main", "properties": {"subnet": {"id": planter.subnet()}}}]}
    planter.put(NETWORK, f"networkInterfaces/{machine}-nic", card, tags)
    planter.put(COMPUTE, f"disks/{machine}-os", {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}, tags)
    return 4


def of_groups(planter, labels):
    """What a broken-off create or delete of a group may leave: its security group and its autoscale setting."""
    name = f"cls-{uuid4().hex[:16]}"
    tags = {**labels, TOKEN: str(uuid4()), PART_OF: name}
    planter.put(NETWORK, f"networkSecurityGroups/{name}-firewall", {"securityRules": []}, tags)
    bare = {"orchestrationMode": "Flexible", "platformFaultDomainCount": 1}
    target = planter.put(GROUPS, f"virtualMachineScaleSets/{name}", bare, sku={"name": "Standard_D2s_v5", "capacity": 0})
    capacity = {"minimum": "0", "maximum": "1", "default": "0"}
    profiles = [{"name": "default", "capacity": capacity, "rules": []}]
    planter.put(MONITOR, f"autoscalesettings/{name}", {"targetResourceUri": target, "profiles": profiles}, tags)
    planter.delete(GROUPS, target)
    return 2


def of_balancers(planter, labels):
    """What a broken-off create of a balancer may leave: its address."""
    name = f"clb-{uuid4().hex[:16]}"
    tags = {**labels, TOKEN: str(uuid4()), PART_OF: name}
    address = {"publicIPAllocationMethod": "Static"}
    planter.put(NETWORK, f"publicIPAddresses/{name}-address", address, tags, sku={"name": "Standard"})
    return 1


PLANTERS = (of_launches, of_groups, of_balancers)
"""What each part of the driver may leave; each function returns how many pieces it planted."""
