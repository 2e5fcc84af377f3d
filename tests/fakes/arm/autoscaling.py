"""Autoscale settings: they keep a scale set's capacity within their bounds. No rule here ever measures anything."""

from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind

TYPE = "autoscalesettings"


class AutoscaleSettings(Kind):
    """Microsoft.Insights/autoscalesettings, which are there at once."""

    type = TYPE
    namespace = "Microsoft.Insights"
    immutable = ("location",)

    def check(self, request, body, old):
        """The bounds of each profile are in order, and the target is there."""
        properties = body["properties"]
        for profile in properties["profiles"]:
            least, most, usual = (int(profile["capacity"][key]) for key in ("minimum", "maximum", "default"))
            if not 0 <= least <= usual <= most:
                raise Refusal(
                    "BadRequest", f"The capacity of profile '{profile['name']}' is not minimum <= default <= maximum."
                )
        target = properties.get("targetResourceUri", "")
        if self.resources.get(target) is None:
            raise Refusal("BadRequest", f"The target resource '{target}' of the autoscale setting was not found.")
        others = [held for held in self.resources.of(self.type) if held.key != request.id.lower()]
        if any(held.properties["targetResourceUri"].lower() == target.lower() for held in others):
            raise Refusal("BadRequest", f"The target resource '{target}' already has an autoscale setting.")

    def document(self, request, body, old):
        """Defaults."""
        body["properties"].setdefault("enabled", True)
        body["properties"].setdefault("name", request.name)
        body["properties"].setdefault("notifications", [])
        return body

    def finished(self, resource, created):
        """The bounds hold from now on."""
        target = self.resources.get(resource.properties["targetResourceUri"])
        if target:
            correct(self.cloud, target, resource)

    def dress(self, resource, document):
        """A setting has no provisioning state."""
        document["properties"].pop("provisioningState")


def correct(cloud, scale_set, setting=None):
    """Bring a set's capacity within the bounds of its setting."""
    found = [setting] if setting else cloud.resources.of(TYPE)
    for held in found:
        properties = held.properties
        if not properties["enabled"] or properties["targetResourceUri"].lower() != scale_set.key or scale_set.deleting:
            continue
        bounds = properties["profiles"][0]["capacity"]
        have = scale_set.document["sku"]["capacity"]
        wanted = min(max(have, int(bounds["minimum"])), int(bounds["maximum"]))
        if wanted != have:
            scale_set.kind.resize(scale_set, wanted)
