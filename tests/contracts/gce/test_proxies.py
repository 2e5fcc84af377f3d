"""Proxied load balancers, global and of regions: what is behind what."""

import pytest

from tests.contracts.gce.bodies import BAD, GROUP, REGION, SERVICE, USED, check, rule, service


def proxied(client, scope, scheme, kind="targetHttpProxies"):
    """A proxied balancer up to its proxy; the path of that."""
    if scope == "global":
        client.do("POST", "global/healthChecks", check())
    backend = {"group": GROUP, "balancingMode": "UTILIZATION"}
    checks = [f"{scope}/healthChecks/check"]
    protocol = "TCP" if kind == "targetTcpProxies" else "HTTP"
    body = service(loadBalancingScheme=scheme, protocol=protocol, backends=[backend], healthChecks=checks)
    client.do("POST", f"{scope}/backendServices", body)
    if kind == "targetTcpProxies":
        client.do("POST", f"{scope}/{kind}", {"name": "proxy", "service": f"{scope}/backendServices/service"})
        return f"{scope}/{kind}/proxy"
    client.do("POST", f"{scope}/urlMaps", {"name": "map", "defaultService": f"{scope}/backendServices/service"})
    body = {"name": "proxy", "urlMap": f"{scope}/urlMaps/map"}
    if kind == "targetHttpsProxies":
        assert client.refused("POST", f"{scope}/{kind}", body) == BAD
        pem = {"certificate": "-----BEGIN CERTIFICATE-----", "privateKey": "-----BEGIN PRIVATE KEY-----"}
        assert client.refused("POST", f"{scope}/sslCertificates", {"name": "cert", "selfManaged": {"certificate": "x"}}) == BAD
        client.do("POST", f"{scope}/sslCertificates", {"name": "cert", "selfManaged": pem})
        assert "privateKey" not in str(client.get(f"{scope}/sslCertificates/cert"))
        body["sslCertificates"] = [f"{scope}/sslCertificates/cert"]
    client.do("POST", f"{scope}/{kind}", body)
    return f"{scope}/{kind}/proxy"


@pytest.mark.usefixtures("backends")
@pytest.mark.parametrize("kind", ["targetHttpProxies", "targetHttpsProxies", "targetTcpProxies"])
@pytest.mark.parametrize(
    ("scope", "scheme"),
    [("global", "EXTERNAL"), ("global", "EXTERNAL_MANAGED"), (REGION, "EXTERNAL_MANAGED"), (REGION, "INTERNAL_MANAGED")],
)
def test_a_proxied_balancer_is_built_from_the_back_to_the_front(client, kind, scope, scheme):
    target = proxied(client, scope, scheme, kind)
    body = {"name": "rule", "loadBalancingScheme": scheme, "portRange": "443", "target": target}
    client.do("POST", f"{scope}/forwardingRules", body)
    made = client.get(f"{scope}/forwardingRules/rule")
    assert made["portRange"] == "443-443"
    assert made["IPAddress"].startswith("10.128." if scheme.startswith("INTERNAL") else "34.")
    assert client.health(f"{scope}/backendServices/service", GROUP) == {"one": "HEALTHY", "two": "HEALTHY"}
    assert client.refused("DELETE", target) == USED
    client.do("DELETE", f"{scope}/forwardingRules/rule")
    client.do("DELETE", target)


@pytest.mark.usefixtures("backends")
def test_a_managed_rule_of_a_region_needs_a_subnetwork_for_proxies(client):
    target = proxied(client, REGION, "INTERNAL_MANAGED")
    client.do("DELETE", f"{REGION}/subnetworks/proxies")
    body = {"name": "rule", "loadBalancingScheme": "INTERNAL_MANAGED", "portRange": "80", "target": target}
    assert client.refused("POST", f"{REGION}/forwardingRules", body) == BAD
    proxies = {"name": "mine", "network": "global/networks/default", "ipCidrRange": "10.7.0.0/23"}
    client.do("POST", f"{REGION}/subnetworks", proxies | {"purpose": "REGIONAL_MANAGED_PROXY", "role": "ACTIVE"})
    client.do("POST", f"{REGION}/forwardingRules", body)


@pytest.mark.usefixtures("backends")
def test_members_of_a_group_without_the_named_port_are_not_well(client):
    proxied(client, REGION, "INTERNAL_MANAGED")
    client.do("POST", f"{GROUP}/setNamedPorts", {"namedPorts": [{"name": "web", "port": 80}]})
    assert set(client.health(SERVICE, GROUP).values()) == {"UNHEALTHY"}


@pytest.mark.usefixtures("balancer")
def test_what_is_proxied_and_what_is_not_have_other_fronts(client):
    assert client.refused("POST", f"{REGION}/urlMaps", {"name": "map"}) == (400, "required")
    client.do("POST", f"{REGION}/urlMaps", {"name": "map", "defaultService": SERVICE})
    client.do("POST", f"{REGION}/targetHttpProxies", {"name": "proxy", "urlMap": f"{REGION}/urlMaps/map"})
    body = rule("other", target=f"{REGION}/targetHttpProxies/proxy", portRange="80")
    del body["backendService"], body["ports"]
    assert client.refused("POST", f"{REGION}/forwardingRules", body) == BAD
    assert client.refused("POST", "global/urlMaps", {"name": "map", "defaultService": SERVICE}) == BAD


@pytest.mark.usefixtures("backends")
def test_a_target_can_change(client):
    target = proxied(client, "global", "EXTERNAL")
    body = {"name": "rule", "loadBalancingScheme": "EXTERNAL", "portRange": "80", "target": target}
    client.do("POST", "global/forwardingRules", body)
    client.do("POST", "global/targetHttpProxies", {"name": "other", "urlMap": "global/urlMaps/map"})
    client.do("POST", "global/forwardingRules/rule/setTarget", {"target": "global/targetHttpProxies/other"})
    assert client.get("global/forwardingRules/rule")["target"].endswith("other")
    client.do("DELETE", target)


@pytest.mark.usefixtures("backends")
def test_url_maps_send_paths_to_services(client):
    proxied(client, "global", "EXTERNAL_MANAGED")
    path, back = "global/urlMaps/map", "global/backendServices/service"
    matcher = {"name": "paths", "defaultService": back, "pathRules": [{"paths": ["/a/*"], "service": back}]}
    rules = {"hostRules": [{"hosts": ["*"], "pathMatcher": "paths"}], "pathMatchers": [matcher]}
    client.do("PATCH", path, rules)
    assert client.get(path)["pathMatchers"][0]["pathRules"][0]["service"].endswith(back)
    assert client.refused("PATCH", path, {"pathMatchers": []}) == BAD
    whole = {"name": "map", "defaultService": back}
    assert client.refused("PUT", path, whole) == (412, "conditionNotMet")
    client.do("PUT", path, whole | {"fingerprint": client.get(path)["fingerprint"]})
    assert "hostRules" not in client.get(path)


@pytest.mark.usefixtures("backends")
def test_what_is_behind_a_proxy_can_change(client):
    proxied(client, "global", "EXTERNAL_MANAGED", "targetHttpsProxies")
    back = "global/backendServices/service"
    client.do("POST", "global/urlMaps", {"name": "other", "defaultService": back})
    client.do("POST", "targetHttpsProxies/proxy/setUrlMap", {"urlMap": "global/urlMaps/other"})
    pem = {"certificate": "-----BEGIN CERTIFICATE-----", "privateKey": "-----BEGIN PRIVATE KEY-----"}
    client.do("POST", "global/sslCertificates", {"name": "second", "selfManaged": pem})
    second = {"sslCertificates": ["global/sslCertificates/second"]}
    client.do("POST", "targetHttpsProxies/proxy/setSslCertificates", second)
    made = client.get("global/targetHttpsProxies/proxy")
    assert (made["urlMap"].rpartition("/")[2], made["sslCertificates"][0].rpartition("/")[2]) == ("other", "second")
    assert client.refused("POST", "targetHttpsProxies/proxy/setSslCertificates", {"sslCertificates": []}) == BAD
    client.do("DELETE", "global/sslCertificates/cert")


@pytest.mark.usefixtures("backends")
def test_a_proxy_of_tcp_changes_its_service(client):
    proxied(client, "global", "EXTERNAL_MANAGED", "targetTcpProxies")
    known = client.get("global/backendServices/service")
    again = {"loadBalancingScheme": "EXTERNAL_MANAGED", "healthChecks": known["healthChecks"]}
    client.do("POST", "global/backendServices", {"name": "other", "protocol": "TCP", **again})
    client.do("POST", "global/backendServices", {"name": "web", "protocol": "HTTP", **again})
    path = "global/targetTcpProxies/proxy"
    client.do("POST", f"{path}/setBackendService", {"service": "global/backendServices/other"})
    assert client.get(path)["service"].endswith("other")
    assert client.refused("POST", f"{path}/setBackendService", {"service": "global/backendServices/web"}) == BAD


def test_a_certificate_may_be_managed(client):
    assert client.refused("POST", "global/sslCertificates", {"name": "cert", "type": "MANAGED"}) == (400, "required")
    client.do("POST", "global/sslCertificates", {"name": "cert", "type": "MANAGED", "managed": {"domains": ["a.example"]}})
    assert client.get("global/sslCertificates/cert")["managed"]["status"] == "PROVISIONING"


@pytest.mark.parametrize("kind", ["targetHttpProxies", "targetTcpProxies"])
def test_a_proxy_has_something_behind_it(client, kind):
    assert client.refused("POST", f"global/{kind}", {"name": "proxy"}) == (400, "required")
