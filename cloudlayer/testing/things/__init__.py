"""What groups, balancers, volumes and shares promise alike."""

from cloudlayer.testing.things.failing import FailingPromises
from cloudlayer.testing.things.keeping import KeepingPromises
from cloudlayer.testing.things.making import MakingPromises
from cloudlayer.testing.things.recovering import RecoveringPromises


class CommonPromises(MakingPromises, RecoveringPromises, KeepingPromises, FailingPromises):
    """All of them; a class for each interface builds on it."""
