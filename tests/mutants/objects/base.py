"""What mutants of stores are registered with."""

from dataclasses import dataclass

from cloudlayer.testing.objects import ObjectConformance


@dataclass(frozen=True)
class Mutant:
    """A store that breaks a promise."""

    promise: str
    kind: type
    suite: type = ObjectConformance

    @property
    def name(self):
        """Its class's name, which no other mutant has."""
        return self.kind.__name__


MUTANTS = []


def breaks(*promises):
    """Registers a store that breaks each of these promises, under a name for each."""

    def register(kind):
        for promise in promises:
            one = kind if len(promises) == 1 else type(f"{kind.__name__}{promise.title().replace('_', '')}", (kind,), {})
            MUTANTS.append(Mutant(f"test_{promise}", one))
        return kind

    return register


class Wrapped:
    """Something with some of its methods replaced."""

    def __init__(self, inner):
        self.__dict__["inner"] = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)
