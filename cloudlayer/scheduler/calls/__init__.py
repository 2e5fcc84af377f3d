"""The call graph: functions that call each other are put on one machine, else in one zone, when it costs less than it saves."""

from cloudlayer.scheduler.calls.improving import improve, objective

__all__ = ["improve", "objective"]
