"""What a managed instance group may be: what GCE fills in of a manager's document, and what it refuses."""

from tests.fakes.gce import machines
from tests.fakes.gce.catalogue import PROJECT
from tests.fakes.gce.errors import GceError, invalid
from tests.fakes.gce.links import region_of, scope_url

MOST = 1000
MOST_IN_REGION = 2000


def complete(link, document):
    """Fill in versions, policies and the zones of a region."""
    _versions(document)
    document.setdefault("baseInstanceName", document["name"][:58])
    document.setdefault("listManagedInstancesResults", "PAGELESS")
    document["instanceLifecyclePolicy"] = {"forceUpdateOnRepair": "NO", "defaultActionOnFailure": "REPAIR"} | document.get(
        "instanceLifecyclePolicy", {}
    )
    if not link.zone:
        _distribution(link, document)
    few = 1 if link.zone else len(document["distributionPolicy"]["zones"])
    policy = {"type": "OPPORTUNISTIC", "minimalAction": "REPLACE", "replacementMethod": "SUBSTITUTE"}
    policy |= {"maxSurge": {"fixed": few}, "maxUnavailable": {"fixed": few}}
    if not link.zone:
        policy["instanceRedistributionType"] = "PROACTIVE"
    document["updatePolicy"] = policy | document.get("updatePolicy", {})


def check(link, document):
    """Refuse a size or a policy that cannot be."""
    most = MOST if link.zone else MOST_IN_REGION
    if not 0 <= document["targetSize"] <= most:
        raise invalid("resource.targetSize", document["targetSize"], f"It must be between 0 and {most}.")
    policy = document["updatePolicy"]
    surge, missing = policy["maxSurge"], policy["maxUnavailable"]
    for name, share in (("maxSurge", surge), ("maxUnavailable", missing)):
        _check_share(link, document, f"resource.updatePolicy.{name}", share)
    if not any(surge.get(unit) or missing.get(unit) for unit in ("fixed", "percent")):
        raise invalid("resource.updatePolicy", "", "maxSurge and maxUnavailable cannot both be 0.")
    if policy["replacementMethod"] == "RECREATE" and (surge.get("fixed") or surge.get("percent")):
        raise invalid("resource.updatePolicy.maxSurge", surge, "It must be 0 when the replacement method is RECREATE.")
    if len(document.get("autoHealingPolicies", ())) > 1:
        raise invalid("resource.autoHealingPolicies", "", "There can be one policy.")
    shape = document.get("distributionPolicy", {}).get("targetShape", "EVEN")
    if document.get("instanceFlexibilityPolicy", {}).get("instanceSelections") and shape == "EVEN":
        raise invalid("resource.instanceFlexibilityPolicy", shape, "It needs a group of a region, of another target shape.")
    names = [port.get("name") for port in document.get("namedPorts", ())]
    if not all(names):
        raise GceError("required", "Required field 'resource.namedPorts.name' not specified")


def _versions(document):
    versions = document.get("versions") or [{"instanceTemplate": document.get("instanceTemplate")}]
    if not all(version.get("instanceTemplate") for version in versions):
        raise GceError("required", "Required field 'resource.versions.instanceTemplate' not specified")
    open_ended = [version for version in versions if "targetSize" not in version]
    if len(open_ended) != 1:
        raise invalid("resource.versions", len(open_ended), "Exactly one version has no target size.")
    document["versions"] = versions
    document["instanceTemplate"] = open_ended[0]["instanceTemplate"]


def _distribution(link, document):
    policy = document.setdefault("distributionPolicy", {})
    here = [zone for zone in machines.ZONES if region_of(f"zones/{zone}") == link.region]
    given = [one.get("zone", "").rpartition("/")[2] for one in policy.get("zones", ())]
    if not set(given) <= set(here):
        raise invalid("resource.distributionPolicy.zones", given, f"They must be zones of {link.region}.")
    policy["zones"] = [{"zone": scope_url(PROJECT, f"zones/{zone}")} for zone in given or here[:3]]
    policy.setdefault("targetShape", "EVEN")


def _check_share(link, document, field, share):
    if ("fixed" in share) == ("percent" in share):
        raise invalid(field, share, "It is either a number or a percentage.")
    zones = 1 if link.zone else len(document["distributionPolicy"]["zones"])
    if not link.zone and 0 < share.get("fixed", 0) < zones:
        raise invalid(field, share["fixed"], f"It must be 0, or at least the number of zones ({zones}).")
    if min(share.get("fixed", 0), share.get("percent", 0)) < 0:
        raise invalid(field, share, "It must be at least 0.")
