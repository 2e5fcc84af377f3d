"""What the services hold, counted and planted through openstacksdk alone."""

import json
from collections import Counter
from uuid import uuid4

from openstack.exceptions import NotFoundException

GOING = ("DELETED", "SOFT_DELETED", "deleting", "deleted")
NO_HOST_TRAIT = "trait:HW_CPU_X86_SGX"


def count(direct, labels):
    """How many things of each kind are alive with all of `labels`."""
    found = Counter()
    for kind, held in _held(direct):
        found[kind] += labels.items() <= held.items()
    return {kind: number for kind, number in found.items() if number}


def plant(direct, labels):
    """Leave one piece of each kind that a create may leave behind; how many."""
    described = json.dumps(labels)
    direct.network.create_security_group(name=f"cloudlayer-group-{uuid4()}", description=described)
    external = next(network for network in direct.network.networks(is_router_external=True))
    direct.network.create_ip(floating_network_id=external.id, description=described)
    direct.block_storage.create_volume(name=f"cloudlayer-disk-{uuid4()}-0", size=1, metadata=labels)
    return 3


def image_without_host(direct, name):
    """The id of the image from which no host can start a server; made when it is first asked for."""
    found = next(iter(direct.image.images(name=name, is_hidden=True)), None)
    if found is None:
        more = {NO_HOST_TRAIT: "required", "os_hidden": True}
        form = {"disk_format": "raw", "container_format": "bare"}
        found = direct.image.post("/images", json={"name": name, **form, **more}).json()
        direct.image.put(f"/images/{found['id']}/file", data=b"\0", headers={"Content-Type": "application/octet-stream"})
    return found["id"]


def _held(direct):
    """Every thing of the project that is alive, as its kind and its labels."""
    for server in direct.compute.servers():
        if server.status not in GOING and server.task_state not in GOING:
            yield "server", server.metadata
    for kind, volumes in (("volume", direct.block_storage.volumes()), ("snapshot", direct.block_storage.snapshots())):
        yield from ((kind, volume.metadata) for volume in volumes if volume.status not in GOING)
    yield from _networked(direct.network)
    for stack in direct.orchestration.stacks():
        if not stack.status.startswith("DELETE"):
            yield "stack", _tagged(direct.orchestration.get_stack(stack.id).tags)
    yield from _balancers(direct.load_balancer)


def _networked(neutron):
    for group in neutron.security_groups():
        yield "security group", _described(group)
    for address in neutron.ips():
        yield "floating ip", _described(address)
    for port in neutron.ports():
        yield "port", _tagged(port.tags)


def _balancers(octavia):
    """Balancers and what is in them, each with tags of its own."""
    held = [("balancer", octavia.load_balancers()), ("listener", octavia.listeners()), ("monitor", octavia.health_monitors())]
    pools = list(octavia.pools())
    held += [("pool", pools), *(("member", _members(octavia, pool)) for pool in pools)]
    for kind, things in held:
        for thing in things:
            if thing.provisioning_status not in ("PENDING_DELETE", "DELETED"):
                yield kind, _tagged(thing.tags)


def _members(octavia, pool):
    try:
        return list(octavia.members(pool))
    except NotFoundException:  # another test's pool, deleted since it was listed
        return []


def _tagged(tags):
    return dict(tag.split("=", 1) for tag in tags or () if "=" in tag)


def _described(piece):
    try:
        found = json.loads(piece.description or "")
    except ValueError:
        found = {}
    return {**found, **_tagged(piece.tags)}
