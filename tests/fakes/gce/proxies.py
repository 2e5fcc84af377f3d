"""URL maps, target proxies and certificates, global and of regions."""

from datetime import timedelta

from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import GceError, invalid
from tests.fakes.gce.references import Reference


class UrlMaps(Collection):
    """compute.urlMaps and compute.regionUrlMaps."""

    word = "urlMaps"
    schema = "UrlMap"
    fingerprinted = True
    references = (
        Reference("defaultService", ("backendServices",)),
        Reference("pathMatchers.*.defaultService", ("backendServices",)),
        Reference("pathMatchers.*.pathRules.*.service", ("backendServices",)),
        Reference("pathMatchers.*.routeRules.*.service", ("backendServices",)),
    )

    def prepare(self, ask, link, document):
        self._check(link, document)

    def revise(self, link, document, new):
        self._check(link, new)

    def _check(self, link, document):
        if not any(document.get(name) for name in ("defaultService", "defaultUrlRedirect", "defaultRouteAction")):
            raise GceError("required", "Required field 'resource.defaultService' not specified")
        matchers = {matcher.get("name") for matcher in document.get("pathMatchers", ())}
        for rule in document.get("hostRules", ()):
            if rule.get("pathMatcher") not in matchers:
                raise invalid("resource.hostRules.pathMatcher", rule.get("pathMatcher"), "There is no such path matcher.")
        for reference in self.references:
            for url in reference.urls(document):
                check_level(link, self.cloud.link(url), reference.path)


class Proxies(Collection):
    """What target proxies of HTTP have in common."""

    fingerprinted = True

    def prepare(self, ask, link, document):
        self._check(link, document)

    def revise(self, link, document, new):
        self._check(link, new)

    def set_url_map(self, ask):
        """Put another URL map behind a proxy."""
        return self.replaced(ask, {"urlMap": ask.body.get("urlMap", "")})

    def replaced(self, ask, fields):
        """Change single fields of a proxy."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        new = document | fields
        self.resolve(link, new)
        self._check(link, new)

        def finish():
            document.update({name: new[name] for name in fields})
            self._stamp(document)

        return self.cloud.operations.begin(ask, link, None, finish)

    def _check(self, link, document):
        if not document.get("urlMap"):
            raise GceError("required", "Required field 'resource.urlMap' not specified")
        check_level(link, self.cloud.link(document["urlMap"]), "urlMap")


class TargetHttpProxies(Proxies):
    """compute.targetHttpProxies and compute.regionTargetHttpProxies."""

    word = "targetHttpProxies"
    schema = "TargetHttpProxy"
    references = (Reference("urlMap", ("urlMaps",)),)


class TargetHttpsProxies(Proxies):
    """compute.targetHttpsProxies and compute.regionTargetHttpsProxies."""

    word = "targetHttpsProxies"
    schema = "TargetHttpsProxy"
    references = (Reference("urlMap", ("urlMaps",)), Reference("sslCertificates.*", ("sslCertificates",)))

    def set_ssl_certificates(self, ask):
        """Put other certificates in the place of all."""
        return self.replaced(ask, {"sslCertificates": list(ask.body.get("sslCertificates", []))})

    def _check(self, link, document):
        super()._check(link, document)
        if not document.get("sslCertificates") and not document.get("certificateMap"):
            raise invalid("resource.sslCertificates", "", "At least one certificate must be specified.")
        for url in document.get("sslCertificates", ()):
            check_level(link, self.cloud.link(url), "sslCertificates")


class TargetTcpProxies(Collection):
    """compute.targetTcpProxies and compute.regionTargetTcpProxies."""

    word = "targetTcpProxies"
    schema = "TargetTcpProxy"
    references = (Reference("service", ("backendServices",)),)

    def prepare(self, ask, link, document):
        document.setdefault("proxyHeader", "NONE")
        document.setdefault("proxyBind", False)
        self._check(link, document)

    def set_backend_service(self, ask):
        """Put another service behind a proxy."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        new = document | {"service": ask.body.get("service", "")}
        self.resolve(link, new)
        self._check(link, new)
        return self.cloud.operations.begin(ask, link, None, lambda: document.update(service=new["service"]))

    def _check(self, link, document):
        if not document.get("service"):
            raise GceError("required", "Required field 'resource.service' not specified")
        service = self.cloud.link(document["service"])
        check_level(link, service, "service")
        if self.store.get(service)["protocol"] != "TCP":
            raise invalid("resource.service", document["service"], "Its protocol must be TCP.")


class SslCertificates(Collection):
    """compute.sslCertificates and compute.regionSslCertificates; private keys are never told."""

    word = "sslCertificates"
    schema = "SslCertificate"

    def prepare(self, ask, link, document):
        if document.setdefault("type", "SELF_MANAGED") == "MANAGED":
            if not document.get("managed", {}).get("domains"):
                raise GceError("required", "Required field 'resource.managed.domains' not specified")
            document["managed"]["status"] = "PROVISIONING"
            return
        own = document.get("selfManaged") or {name: document.get(name) for name in ("certificate", "privateKey")}
        for name, words in (("certificate", "BEGIN CERTIFICATE"), ("privateKey", "PRIVATE KEY")):
            if words not in (own.get(name) or ""):
                raise invalid(f"resource.selfManaged.{name}", "…", "The SSL certificate could not be parsed.")
        document.pop("privateKey", None)
        document["certificate"] = own["certificate"]
        document["selfManaged"] = {"certificate": own["certificate"]}
        document["expireTime"] = self.cloud.timeline.stamp_after(timedelta(days=90))


def check_level(link, target, field):
    """Refuse a regional thing behind a global one, and the other way round."""
    if target.scope != link.scope:
        raise invalid(f"resource.{field}", target.path, f"It must be in the same place, {link.scope}.")
