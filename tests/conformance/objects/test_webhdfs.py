"""HDFS by WebHDFS keeps what every store promises."""

import pytest

from cloudlayer.testing.objects import ObjectConformance
from tests.conformance.objects.places import OnAHost


@pytest.mark.objects
class TestHdfs(OnAHost, ObjectConformance):
    name = "webhdfs"
    proof = "real service"
    many = 250  # dev/objects has it list a hundred names a call

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, hdfs):
        return hdfs.fresh_web()
