"""Backend services and health checks: what they may be, and how they are changed."""

import pytest

from tests.contracts.gce.bodies import BAD, GROUP, MANAGED, REGION, check, service


@pytest.mark.usefixtures("backends")
@pytest.mark.parametrize(
    "fields",
    [
        {"healthChecks": []},
        {"protocol": "HTTP"},
        {"portName": "http"},
        {"backends": [{"group": GROUP, "balancingMode": "UTILIZATION"}]},
        {"backends": [{"group": GROUP, "balancingMode": "CONNECTION"}] * 2},
        {"backends": [{"balancingMode": "CONNECTION"}]},
        {"connectionDraining": {"drainingTimeoutSec": 3601}},
        {"loadBalancingScheme": "INTERNAL_MANAGED", "protocol": "UDP"},
        MANAGED | {"backends": [{"group": GROUP, "balancingMode": "RATE"}]},
        MANAGED | {"backends": [{"group": GROUP, "balancingMode": "CONNECTION"}]},
    ],
)
def test_a_service_is_refused_for_its_fault(client, fields):
    assert client.refused("POST", f"{REGION}/backendServices", service(**fields)) == BAD


@pytest.mark.usefixtures("backends")
def test_a_global_service_has_a_global_check_and_is_not_passed_through(client):
    body = service(loadBalancingScheme="EXTERNAL", protocol="HTTP")
    assert client.refused("POST", "global/backendServices", body) == BAD
    assert client.refused("POST", "global/backendServices", service()) == BAD
    client.do("POST", "global/healthChecks", check())
    client.do("POST", "global/backendServices", body | {"healthChecks": ["global/healthChecks/check"]})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type": None}, "required"),
        ({"httpHealthCheck": {}}, "invalid"),
        ({"timeoutSec": 9}, "invalid"),
        ({"healthyThreshold": 11}, "invalid"),
        ({"tcpHealthCheck": {"port": 0}}, "invalid"),
        ({"tcpHealthCheck": {"portSpecification": "USE_NAMED_PORT"}}, "invalid"),
        ({"tcpHealthCheck": {"portSpecification": "USE_SERVING_PORT", "port": 80}}, "invalid"),
    ],
)
def test_a_check_is_refused_for_its_fault(client, fields, reason):
    body = {name: value for name, value in check(**fields).items() if value is not None}
    assert client.refused("POST", f"{REGION}/healthChecks", body) == (400, reason)


def test_a_check_is_completed_and_changed(client):
    client.do("POST", "global/healthChecks", {"name": "check", "type": "HTTP"})
    made = client.get("global/healthChecks/check")
    assert (made["checkIntervalSec"], made["httpHealthCheck"]["requestPath"], made["httpHealthCheck"]["port"]) == (5, "/", 80)
    client.do("PATCH", "global/healthChecks/check", {"httpHealthCheck": {"requestPath": "/ready"}})
    assert client.get("global/healthChecks/check")["httpHealthCheck"]["port"] == 80
    client.do("PUT", "global/healthChecks/check", check())
    assert "httpHealthCheck" not in client.get("global/healthChecks/check")
