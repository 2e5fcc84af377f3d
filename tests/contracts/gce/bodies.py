"""Bodies of requests that are good as they stand."""

ZONE, REGION = "zones/us-central1-a", "regions/us-central1"
GROUP, ENDPOINTS = f"{ZONE}/instanceGroups/hand", f"{ZONE}/networkEndpointGroups/ends"
SERVICE = f"{REGION}/backendServices/service"
USED = (400, "resourceInUseByAnotherResource")
BAD = (400, "invalid")
MANAGED = {"loadBalancingScheme": "INTERNAL_MANAGED", "protocol": "HTTP"}
IMAGE = "projects/debian-cloud/global/images/family/debian-12"


def boot(**parameters):
    """A boot disk that goes with its instance."""
    return {"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": IMAGE} | parameters}


def instance(name="vm", machine="e2-small", zone=ZONE, **fields):
    """An instance."""
    known = {"name": name, "machineType": f"{zone}/machineTypes/{machine}", "disks": [boot()], "networkInterfaces": [{}]}
    return known | fields


def disk(name="data", size=20, kind="pd-balanced", **fields):
    """A disk."""
    return {"name": name, "sizeGb": str(size), "type": f"{ZONE}/diskTypes/{kind}"} | fields


def template(name="template", machine="e2-small", **properties):
    """An instance template."""
    known = {"machineType": machine, "disks": [boot()], "networkInterfaces": [{"network": "global/networks/default"}]}
    return {"name": name, "properties": known | properties}


def group(name="group", size=2, source="global/instanceTemplates/template", **fields):
    """A managed instance group."""
    return {"name": name, "targetSize": size, "versions": [{"instanceTemplate": source}]} | fields


def firewall(name="probes", **fields):
    """A rule that lets health checks in."""
    rule = {"name": name, "allowed": [{"IPProtocol": "tcp", "ports": ["80"]}], "sourceRanges": ["35.191.0.0/16"]}
    return rule | fields


def check(name="check", **fields):
    """A health check."""
    return {"name": name, "type": "TCP", "tcpHealthCheck": {"port": 80}} | fields


def service(name="service", groups=(), **fields):
    """A service behind an internal passthrough load balancer."""
    known = {
        "name": name,
        "loadBalancingScheme": "INTERNAL",
        "protocol": "TCP",
        "healthChecks": [f"{REGION}/healthChecks/check"],
    }
    return known | {"backends": [{"group": one, "balancingMode": "CONNECTION"} for one in groups]} | fields


def rule(name="rule", **fields):
    """A rule of an internal passthrough load balancer."""
    known = {
        "name": name,
        "loadBalancingScheme": "INTERNAL",
        "ports": ["80"],
        "backendService": f"{REGION}/backendServices/service",
    }
    return known | {"network": "global/networks/default"} | fields
