"""How many replicas there should be. Pure: what was seen and the time come in, the number and the reason go out."""

from cloudlayer.scaling.concurrency import Observed, Peak, Target, Want, want

__all__ = ["Observed", "Peak", "Target", "Want", "want"]
