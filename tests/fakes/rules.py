"""What the fault rules of all fakes have in common: to how many of the calls that match they apply, and when."""

from dataclasses import dataclass


@dataclass
class FaultRule:
    """One fault. A fake's own rule adds what it matches (`matches`) and what else it does to a call.

    The rule applies after `after` matching calls, `times` times. `refuse` drops the connection before the call has an effect;
    `latency` is in seconds.
    """

    after: int = 0
    times: int | None = None
    latency: float = 0.0
    refuse: bool = False
    seen: int = 0
    applied: int = 0

    def matches(self, call):
        """Whether the rule is about such a call."""
        raise NotImplementedError

    def take(self, call):
        """Whether this rule applies to the call now; counts the use."""
        if not self.matches(call):
            return False
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.applied >= self.times):
            return False
        self.applied += 1
        return True
