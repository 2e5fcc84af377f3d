"""Azure keeps what every Autoscaling promises, with scale sets of either orchestration."""

import pytest

from cloudlayer.resources import ScalingGroupSpec
from cloudlayer.testing import AutoscalingConformance
from cloudlayer.testing.base import changed
from tests.conformance.azure.cloud import OnAzure


class TestAzure(OnAzure, AutoscalingConformance):
    pass


class TestUniform(OnAzure, AutoscalingConformance):
    @pytest.fixture
    def group_spec(self, base_spec):
        template = changed(base_spec, name=None, zone=None)
        return ScalingGroupSpec(name="conformance", template=template, max=3, overrides={"orchestration": "uniform"})
