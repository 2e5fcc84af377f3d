"""compute.httpHealthChecks and compute.targetPools: what balancers were made of before there were backend services."""

from tests.fakes.gce import health
from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import invalid, not_found
from tests.fakes.gce.references import Reference, resolved

USUAL = {
    "host": "",
    "requestPath": "/",
    "port": 80,
    "checkIntervalSec": 5,
    "timeoutSec": 5,
    "healthyThreshold": 2,
    "unhealthyThreshold": 2,
}
MEMBER = Reference("instance", ("instances",))
CHECK = Reference("healthCheck", ("httpHealthChecks",))


class HttpHealthChecks(Collection):
    """Checks of target pools; global."""

    word = "httpHealthChecks"
    schema = "HttpHealthCheck"

    def prepare(self, ask, link, document):
        self._complete(document)

    def revise(self, link, document, new):
        self._complete(new)

    def _complete(self, document):
        for name, usual in USUAL.items():
            document.setdefault(name, usual)
        if document["timeoutSec"] > document["checkIntervalSec"]:
            raise invalid("resource.timeoutSec", document["timeoutSec"], "It must be at most checkIntervalSec.")


class TargetPools(Collection):
    """Instances of a region that connections are passed to."""

    word = "targetPools"
    schema = "TargetPool"
    references = (
        Reference("instances.*", ("instances",), holds=False),
        Reference("healthChecks.*", ("httpHealthChecks",)),
    )

    def prepare(self, ask, link, document):
        if len(document.get("healthChecks", ())) > 1:
            raise invalid("resource.healthChecks", len(document["healthChecks"]), "There can be one health check.")
        document.setdefault("sessionAffinity", "NONE")
        document.setdefault("instances", [])

    def add_instance(self, ask):
        """Put instances of the region into a pool; they need not be there yet."""
        return self._changed(ask, "instances", MEMBER, _joined)

    def remove_instance(self, ask):
        """Take instances out of a pool."""
        return self._changed(ask, "instances", MEMBER, _left)

    def add_health_check(self, ask):
        """Check the instances of a pool."""
        return self._changed(ask, "healthChecks", CHECK, _joined)

    def remove_health_check(self, ask):
        """Check them no more."""
        return self._changed(ask, "healthChecks", CHECK, _left)

    def get_health(self, ask):
        """What the probes find of one instance."""
        _, document = self.found(ask)
        target = self.cloud.link(ask.body.get("instance", ""))
        if target is None or target.url not in document["instances"]:
            raise invalid("resource.instance", ask.body.get("instance"), "It is not in the pool.")
        instance = self.store.get(target)
        if instance is None:
            raise not_found(target.path)
        checks = [self.store.get(self.cloud.link(url)) for url in document.get("healthChecks", ())]
        is_well = all(health.is_healthy(self.cloud, target, check["port"], 0.0) for check in checks)
        told = {"instance": target.url, "ipAddress": instance["networkInterfaces"][0]["networkIP"]}
        told["healthState"] = "HEALTHY" if is_well else "UNHEALTHY"
        return {"kind": "compute#targetPoolInstanceHealth", "healthStatus": [told]}

    def forget(self, instance):
        """An instance is gone."""
        for _, document in self.store.of(self.word):
            document["instances"] = [url for url in document["instances"] if url != instance.url]

    def _changed(self, ask, field, reference, change):
        link, document = self.found(ask)
        self.store.check_ready(link)
        given = [one.get(reference.path, "") for one in ask.body.get(field, ())]
        urls = [resolved(reference, text, link, self.cloud.there).url for text in given]
        return self.cloud.operations.begin(ask, link, None, lambda: change(document.setdefault(field, []), urls))


def _joined(known, urls):
    known += [url for url in urls if url not in known]


def _left(known, urls):
    known[:] = [url for url in known if url not in urls]
