"""What the fake itself holds, counted past every API, and pieces planted there as a broken-off create leaves them."""

import re
from uuid import uuid4

from google.cloud import compute_v1
from google.oauth2.credentials import Credentials

from cloudlayer.labels import TOKEN
from cloudlayer.providers.gcp.facts import describe
from cloudlayer.providers.gcp.marks import read_description, write_description

LABELLED = ("instances", "disks", "snapshots")
DESCRIBED = (
    *("firewalls", "instanceTemplates", "instanceGroupManagers", "autoscalers", "healthChecks", "backendServices"),
    *("urlMaps", "targetHttpProxies", "targetHttpsProxies", "targetTcpProxies", "networkEndpointGroups", "instanceGroups"),
    *("addresses", "forwardingRules"),
)
PLANTER = "planter"
REGION, ZONE = "us-central1", "us-central1-a"
SCOPE = f"projects/proj/regions/{REGION}"
NETWORK, SUBNETWORK = "projects/proj/global/networks/default", f"{SCOPE}/subnetworks/default"
IMAGE = "projects/ubuntu-os-cloud/global/images/family/ubuntu-2204-lts"


def count(gce, labels):
    """How many of each kind are alive that carry all of the labels; kinds of which there are none are left out."""
    marks = {
        **{kind: [thing.get("labels", {}) for thing in gce.things(kind)] for kind in LABELLED},
        **{kind: [read_description(thing.get("description", "")) for thing in gce.things(kind)] for kind in DESCRIBED},
    }
    found = {kind: sum(labels.items() <= carried.items() for carried in listed) for kind, listed in marks.items()}
    return {kind: number for kind, number in found.items() if number}


def plant(gce, labels):
    """One leftover of each kind with these labels; how many these are."""
    marks, delay = {**labels, TOKEN: str(uuid4())}, gce.options.delay
    gce.options.delay = 0.0
    try:
        return sum(planter(gce, marks) for planter in PLANTERS)
    finally:
        gce.options.delay = delay


def sdk(gce, kind):
    """An SDK client past the driver, with a token of its own."""
    return kind(credentials=Credentials(token=PLANTER), client_options={"api_endpoint": gce.url}, transport="rest")


def _of_launches(gce, marks):
    tag = f"cl-open-us-central1-{uuid4().hex[:16]}"
    return _firewall(gce, f"{tag}-0", write_description(marks), [tag])


def _of_groups(gce, marks):
    """A template, and a firewall rule for what is made from another one."""
    owner, tag = f"cl-group-{uuid4().hex[:16]}", f"cl-group-us-central1-{uuid4().hex[:16]}"
    properties = {
        "machine_type": "e2-small",
        "disks": [{"boot": True, "initialize_params": {"source_image": IMAGE}}],
        "network_interfaces": [{"network": NETWORK}],
    }
    _insert(gce, "InstanceTemplate", marks, name=f"{owner}-01234567-89abcdef", properties=properties)
    return 1 + _firewall(gce, f"{tag}-0", write_description(marks), [tag])


def _of_balancers(gce, marks):
    """All that may be of a balancer, but for its first health check, which makes it one."""
    name = f"cl-lb-{uuid4().hex[:16]}"
    web, tcp, scheme = f"{name}-80", f"{name}-81", "INTERNAL_MANAGED"
    _insert(gce, "HealthCheck", marks, name=tcp, type_="TCP", tcp_health_check={"port": 80})
    check = {"health_checks": [f"{SCOPE}/healthChecks/{tcp}"], "load_balancing_scheme": scheme}
    _insert(gce, "BackendService", marks, name=web, protocol="HTTP", **check)
    _insert(gce, "BackendService", marks, name=tcp, protocol="TCP", **check)
    _insert(gce, "UrlMap", marks, name=web, default_service=f"{SCOPE}/backendServices/{web}")
    _insert(gce, "TargetHttpProxy", marks, name=web, url_map=f"{SCOPE}/urlMaps/{web}")
    _insert(gce, "TargetTcpProxy", marks, name=tcp, service=f"{SCOPE}/backendServices/{tcp}")
    address = {"address_type": "INTERNAL", "purpose": "SHARED_LOADBALANCER_VIP", "subnetwork": SUBNETWORK}
    _insert(gce, "Address", marks, name=name, **address)
    rule = {"load_balancing_scheme": scheme, "network": NETWORK, "subnetwork": SUBNETWORK, "port_range": "81-81"}
    _insert(gce, "ForwardingRule", marks, name=tcp, target=f"{SCOPE}/targetTcpProxies/{tcp}", I_p_protocol="TCP", **rule)
    described = describe(marks, {"region": REGION})
    group = compute_v1.InstanceGroup(name=name, description=described)
    sdk(gce, compute_v1.InstanceGroupsClient).insert_unary(project="proj", zone=ZONE, instance_group_resource=group)
    endpoints = {"name": tcp, "description": described, "network": NETWORK, "network_endpoint_type": "NON_GCP_PRIVATE_IP_PORT"}
    client = sdk(gce, compute_v1.NetworkEndpointGroupsClient)
    wanted = compute_v1.NetworkEndpointGroup(endpoints)
    client.insert_unary(project="proj", zone=ZONE, network_endpoint_group_resource=wanted)
    return 10 + _firewall(gce, name, described, [])


def _insert(gce, kind, marks, **fields):
    """Make one of a kind in the region, and see it ready."""
    plural = f"{kind}es" if kind == "Address" else f"{kind.removesuffix('y')}ies" if kind.endswith("y") else f"{kind}s"
    region = "" if kind in ("Address", "ForwardingRule") else "Region"
    client = sdk(gce, getattr(compute_v1, f"{region}{plural}Client"))
    resource = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()
    wanted = getattr(compute_v1, kind)({"description": describe(marks, {"region": REGION}), **fields})
    begun = client.insert_unary(request={"project": "proj", "region": REGION, f"{resource}_resource": wanted})
    ended = sdk(gce, compute_v1.RegionOperationsClient).get(project="proj", region=REGION, operation=begun.name)
    assert ended.status == compute_v1.Operation.Status.DONE
    assert not ended.error.errors


def _firewall(gce, name, description, tags):
    rule = {
        "name": name,
        "network": NETWORK,
        "description": description,
        "source_ranges": ["192.0.2.0/24"],
        "target_tags": tags,
        "allowed": [{"I_p_protocol": "tcp", "ports": ["443"]}],
    }
    sdk(gce, compute_v1.FirewallsClient).insert_unary(project="proj", firewall_resource=compute_v1.Firewall(rule))
    return 1


PLANTERS = (_of_launches, _of_groups, _of_balancers)
"""What each part of the driver may leave; each function returns how many pieces it planted."""
