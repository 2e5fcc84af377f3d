"""All that an Autoscaling promises, in one class to inherit from."""

from cloudlayer.testing.autoscaling.capabilities import GroupCapabilityPromises
from cloudlayer.testing.autoscaling.changes import ChangePromises
from cloudlayer.testing.autoscaling.sizes import SizePromises
from cloudlayer.testing.things import CommonPromises


class AutoscalingConformance(SizePromises, ChangePromises, GroupCapabilityPromises, CommonPromises):
    """Inherit, give the fixture `provider`, and where the defaults do not fit `group_spec`, `balancer_spec`, `absent_id`."""
