"""Google Cloud keeps what every LoadBalancing promises, through proxies and straight through."""

import pytest
from google.cloud import compute_v1

from cloudlayer.resources import Listener, LoadBalancerSpec
from cloudlayer.testing import LoadBalancingConformance
from cloudlayer.testing.base import changed, labelled
from cloudlayer.testing.load_balancing.listeners import ListenerPromises
from cloudlayer.testing.things import CommonPromises
from tests.conformance.gcp.cloud import OnGcp
from tests.conformance.gcp.holdings import sdk


class WithCertificate:
    @pytest.fixture
    def certificate(self, gce):
        """One of the project's certificates in the region; what stands in it is nothing to the fake."""
        wanted = {
            "name": "conformance",
            "certificate": "-----BEGIN CERTIFICATE-----",
            "private_key": "-----BEGIN PRIVATE KEY-----",
        }
        sdk(gce, compute_v1.RegionSslCertificatesClient).insert_unary(
            project="proj", region="us-central1", ssl_certificate_resource=compute_v1.SslCertificate(wanted)
        )
        return "conformance"


class TestGcp(WithCertificate, OnGcp, LoadBalancingConformance):
    """Balancers that change the port, and so are made of proxies."""

    @pytest.fixture(autouse=True)
    def as_gce_is_at_its_worst(self, gce):
        """Pages of one; operations are quick, as they are slow for the others."""
        gce.options.page = 1


class TestPassthrough(WithCertificate, OnGcp, ListenerPromises, CommonPromises):
    """Balancers that keep the port; they take no addresses, so that the suite's targets are not for them."""

    @pytest.fixture
    def balancer_spec(self):
        listener = Listener(port=18080, protocol="tcp", target_port=18080)
        return LoadBalancerSpec(name="conformance", listeners=(listener,), drain=1.0)

    def beside(self, spec, number):
        """On ports of its own, which stay the same behind it."""
        ports = [listener.port + 2 * (number + 1) for listener in spec.listeners]
        moved = [changed(listener, port=port, target_port=port) for listener, port in zip(spec.listeners, ports, strict=True)]
        return labelled(changed(spec, listeners=moved), {"number": str(number)})
