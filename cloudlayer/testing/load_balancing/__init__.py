"""All that a LoadBalancing promises, in one class to inherit from."""

from cloudlayer.testing.load_balancing.listeners import ListenerPromises
from cloudlayer.testing.load_balancing.targets import TargetPromises
from cloudlayer.testing.things import CommonPromises


class LoadBalancingConformance(ListenerPromises, TargetPromises, CommonPromises):
    """Inherit, give the fixture `provider`, and where the defaults do not fit `balancer_spec`, `addresses`, `absent_id`."""
