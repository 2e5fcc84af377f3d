"""The call graph: functions that call each other are put on one machine, else in one zone, when it costs less than it saves."""

from cloudlayer.scheduler.calls.cost import Crossing, Flows
from cloudlayer.scheduler.calls.exchange import flows_of
from cloudlayer.scheduler.calls.improving import improve, objective

__all__ = ["Crossing", "Flows", "flows_of", "improve", "objective"]
