"""AWS keeps what every LoadBalancing promises."""

import pytest

from cloudlayer.testing import LoadBalancingConformance
from tests.conformance.aws.cloud import OnAws


class TestAws(OnAws, LoadBalancingConformance):
    @pytest.fixture
    def certificate(self, cloud):
        """One of the account's server certificates; what stands in it is nothing to moto."""
        made = cloud.native("iam").upload_server_certificate(
            ServerCertificateName="conformance", CertificateBody="body", PrivateKey="key"
        )
        return made["ServerCertificateMetadata"]["Arn"]
