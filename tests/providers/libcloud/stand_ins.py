"""A driver of Libcloud's base interface and no more, as most are: its cloud is in this process and keeps no labels."""

import threading
from itertools import count

from libcloud.common.base import ConnectionKey
from libcloud.compute.base import Node, NodeDriver, NodeImage, NodeLocation, NodeSize, StorageVolume, VolumeSnapshot
from libcloud.compute.types import NodeState, StorageVolumeState
from libcloud.loadbalancer.base import Driver, LoadBalancer, Member
from libcloud.loadbalancer.types import State


class Cloud:
    """What there is; `faults` are raised by the next calls, by method, before or (`after`) once they took effect."""

    def __init__(self):
        self.nodes, self.volumes, self.snapshots, self.balancers, self.members = {}, {}, {}, {}, {}
        self.faults, self.made, self.calls = [], 0, []
        self.number, self.busy, self.together, self.drivers = count(1), set(), 0, 0
        self.lock, self.hold = threading.Lock(), None

    def fault(self, method, error, *, after=False):
        self.faults.append((method, error, after))

    def take(self, method, *, after):
        for fault in self.faults:
            if fault[0] == method and fault[2] == after:
                self.faults.remove(fault)
                raise fault[1]


CLOUD = Cloud()


def called(method):
    """Counts the calls, and raises the faults that wait for them."""

    def call(self, *args, **kwargs):
        CLOUD.calls.append(method.__name__)
        with CLOUD.lock:
            CLOUD.busy.add(id(self))
            CLOUD.together = max(CLOUD.together, len(CLOUD.busy))
        try:
            if CLOUD.hold is not None:
                CLOUD.hold.wait(30)
            CLOUD.take(method.__name__, after=False)
            answer = method(self, *args, **kwargs)
            CLOUD.take(method.__name__, after=True)
            return answer
        finally:
            CLOUD.busy.discard(id(self))

    call.__name__ = method.__name__
    call.__wrapped__ = method  # its signature is read
    return call


class Unconnected(ConnectionKey):
    def connect(self, host=None, port=None):
        pass


class BareDriver(NodeDriver):
    name = "Bare"
    type = "bare"
    connectionCls = Unconnected  # noqa: N815  (Libcloud's name)

    def __init__(self, key, secret=None, **kwargs):
        super().__init__(key, secret, **kwargs)
        CLOUD.drivers += 1

    @called
    def list_sizes(self, location=None):
        return [
            NodeSize("s", "Small", 1024, 20, None, 0, self, {"vcpus": 1, "regions": ["here"]}),
            NodeSize("l", "Large", 4096, 80, None, None, self, {"vcpus": 4}),
        ]

    @called
    def list_locations(self):
        return [NodeLocation("here", "Over here", "CH", self), NodeLocation("there", "Over there", "CH", self)]

    @called
    def list_images(self, location=None):
        return [
            NodeImage("i1", "Debian 12 (amd64)", self, {"created_at": "2025-01-01T00:00:00Z"}),
            NodeImage("i2", "Debian 12 (amd64)", self, {"created_at": "2026-01-01T00:00:00Z"}),
            NodeImage("i3", "Debian 12 (arm64)", self, {"created_at": "2026-02-01T00:00:00Z"}),
        ]

    @called
    def list_nodes(self):
        return list(CLOUD.nodes.values())

    @called
    def create_node(self, name, size, image, location=None, auth=None, ex_flavour=None):
        CLOUD.made += 1
        number = next(CLOUD.number)
        extra = {"location": location.id, "flavour": ex_flavour, "auth": auth}
        node = Node(number, name, NodeState.RUNNING, ["192.0.2.1"], [f"10.0.0.{number}"], self, size, image, extra)
        CLOUD.nodes[node.id] = node
        return node

    @called
    def destroy_node(self, node):
        return CLOUD.nodes.pop(node.id, None) is not None

    @called
    def create_volume(self, size, name, location=None, snapshot=None):
        volume = StorageVolume(
            str(next(CLOUD.number)), name, size, self, StorageVolumeState.AVAILABLE, {"location": location.id}
        )
        CLOUD.volumes[volume.id] = volume
        return True  # as some do

    @called
    def list_volumes(self):
        return list(CLOUD.volumes.values())

    @called
    def attach_volume(self, node, volume, device=None):
        CLOUD.volumes[volume.id].extra["instance_id"] = node.id
        CLOUD.volumes[volume.id].state = StorageVolumeState.INUSE
        return True

    @called
    def detach_volume(self, volume):
        CLOUD.volumes[volume.id].extra.pop("instance_id")
        CLOUD.volumes[volume.id].state = StorageVolumeState.AVAILABLE
        return True

    @called
    def destroy_volume(self, volume):
        return CLOUD.volumes.pop(volume.id, None) is not None

    @called
    def create_volume_snapshot(self, volume, name=None):
        number = str(next(CLOUD.number))
        CLOUD.snapshots[number] = VolumeSnapshot(number, self, volume.size, {"volume_id": volume.id}, name=name)
        return CLOUD.snapshots[number]

    @called
    def list_volume_snapshots(self, volume):
        return [one for one in CLOUD.snapshots.values() if one.extra["volume_id"] == volume.id]

    @called
    def destroy_volume_snapshot(self, snapshot):
        return CLOUD.snapshots.pop(snapshot.id, None) is not None


class BareBalancers(Driver):
    name = "Bare"
    connectionCls = Unconnected  # noqa: N815  (Libcloud's name)

    def list_protocols(self):
        return ["tcp"]

    @called
    def list_balancers(self):
        return list(CLOUD.balancers.values())

    @called
    def create_balancer(self, name, port, protocol, algorithm, members):
        balancer = LoadBalancer(next(CLOUD.number), name, State.RUNNING, "192.0.2.9", port, self)
        CLOUD.balancers[balancer.id], CLOUD.members[balancer.id] = balancer, list(members)
        return balancer

    @called
    def destroy_balancer(self, balancer):
        return CLOUD.balancers.pop(balancer.id, None) is not None

    @called
    def balancer_attach_member(self, balancer, member):
        CLOUD.members[balancer.id].append(Member(None, member.ip, member.port))
        return member

    @called
    def balancer_detach_member(self, balancer, member):
        CLOUD.members[balancer.id] = [one for one in CLOUD.members[balancer.id] if one.ip != member.ip]
        return True

    @called
    def balancer_list_members(self, balancer):
        return CLOUD.members[balancer.id]
