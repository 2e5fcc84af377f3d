"""compute.autoscalers and compute.regionAutoscalers."""

from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import GceError, invalid
from tests.fakes.gce.links import Link
from tests.fakes.gce.references import Reference
from tests.fakes.gce.store import in_use

GROWS = ("ON", "ONLY_UP", "ONLY_SCALE_OUT")
SIGNALS = ("cpuUtilization", "loadBalancingUtilization", "customMetricUtilizations", "scalingSchedules")


class Autoscalers(Collection):
    """Autoscalers; each keeps one managed group within its limits, and follows no metric."""

    word = "autoscalers"
    schema = "Autoscaler"
    references = (Reference("target", ("instanceGroupManagers",)),)

    def prepare(self, ask, link, document):
        if not document.get("target"):
            raise GceError("required", "Required field 'resource.target' not specified")
        target = self.cloud.link(document["target"])
        if target.scope != link.scope:
            raise invalid("resource.target", document["target"], "It must be in the same place as the autoscaler.")
        other = self.of(target)
        if other:
            raise in_use(target, self.cloud.link(other["selfLink"]))
        self._check(document)
        document["status"] = "PENDING"

    def ready(self, link, document):
        document["status"] = "ACTIVE"
        self._keep(document)

    def revise(self, link, document, new):
        if new["target"] != document["target"]:
            raise invalid("resource.target", new["target"], "The target cannot be changed.")
        self._check(new)

    def found(self, ask):
        """The one that the path names, or where there is none, the query or the body."""
        name = ask.name or ask.query.get("autoscaler") or ask.body.get("name", "")
        if not name:
            raise GceError("required", "Required parameter 'autoscaler' not specified")
        return self.store.found(Link(ask.project, ask.scope, self.word, name))

    def of(self, manager):
        """The autoscaler of a manager; None if it has none."""
        return next((one for _, one in self.store.of(self.word) if one["target"] == manager.url), None)

    def is_on(self, manager):
        """Whether an autoscaler sets the size of a manager's group."""
        document = self.of(manager)
        return bool(document) and document["autoscalingPolicy"]["mode"] == "ON"

    def watch(self):
        """Every group is within its limits."""
        for _, document in self.store.live(self.word):
            if document["status"] == "ACTIVE":
                self._keep(document)

    def _keep(self, document):
        target, policy = self.cloud.link(document["target"]), document["autoscalingPolicy"]
        manager = self.store.get(target)
        if manager is None:
            return
        size = manager["targetSize"]
        wanted = max(size, policy["minNumReplicas"])
        if policy["mode"] == "ON":
            wanted = min(wanted, policy["maxNumReplicas"])
        document["recommendedSize"] = wanted
        if wanted != size and policy["mode"] in GROWS:
            self.cloud["instanceGroupManagers"].set_size(target, wanted)

    def _check(self, document):
        policy = document.get("autoscalingPolicy", {})
        if "maxNumReplicas" not in policy:
            raise GceError("required", "Required field 'resource.autoscalingPolicy.maxNumReplicas' not specified")
        most = policy["maxNumReplicas"]
        policy.setdefault("minNumReplicas", min(2, most))
        policy.setdefault("coolDownPeriodSec", 60)
        policy.setdefault("mode", "ON")
        if not 0 <= policy["minNumReplicas"] <= most:
            raise invalid("resource.autoscalingPolicy.minNumReplicas", policy["minNumReplicas"], f"It must be 0 to {most}.")
        if not any(policy.get(name) for name in SIGNALS):
            policy["cpuUtilization"] = {"utilizationTarget": 0.6}
        for name in ("cpuUtilization", "loadBalancingUtilization"):
            target = policy.get(name, {}).get("utilizationTarget", 0.6)
            if not 0 < target <= 1:
                raise invalid(
                    f"resource.autoscalingPolicy.{name}.utilizationTarget", target, "It must be over 0 and at most 1."
                )
        for metric in policy.get("customMetricUtilizations", ()):
            if not metric.get("metric"):
                raise GceError("required", "Required field 'resource.autoscalingPolicy.customMetricUtilizations' not specified")
        document["autoscalingPolicy"] = policy
        self._check_group(document)

    def _check_group(self, document):
        manager = self.store.get(self.cloud.link(document["target"]))
        if manager["updatePolicy"].get("instanceRedistributionType") == "NONE":
            raise invalid("resource.target", document["target"], "Its instances are not redistributed proactively.")
