"""A provider under the name of a profile: all that it answers bears that name, so that it leads back to the same account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass, replace
from typing import Any, Final, cast

from cloudlayer.errors import CloudError
from cloudlayer.interfaces import Provider

_INTERFACES: Final = ("compute", "autoscaling", "load_balancing", "storage")
_NOT_OURS: Final = ("native", "engine")


def renamed(provider: Provider, name: str) -> Provider:
    """The provider, called `name` in everything that it answers and raises."""
    return cast(Provider, _Renamed(provider, provider.name, name))


class _Renamed:
    """Stands before a provider or one of its interfaces."""

    def __init__(self, real: Any, old: str, new: str) -> None:
        self._real = real
        self._old = old
        self._new = new

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        found = self._said(lambda: getattr(self._real, attribute))
        if attribute in _INTERFACES:
            return _Renamed(found, self._old, self._new)
        if attribute in ("name", "provider"):
            return self._new
        if not callable(found) or is_dataclass(found):
            return found

        def call(*args: Any, **named: Any) -> Any:
            return self._said(lambda: found(*args, **named), whole=attribute in _NOT_OURS)

        return call

    def _said(self, ask: Callable[[], Any], *, whole: bool = False) -> Any:
        try:
            answer = ask()
        except CloudError as error:
            self._sign(error)
            raise
        return answer if whole else self._signed(answer)

    def _signed(self, answer: Any) -> Any:
        if isinstance(answer, list | tuple) and not hasattr(answer, "_fields"):
            return type(answer)(self._signed(item) for item in answer)
        if isinstance(answer, CloudError):
            self._sign(answer)
        elif is_dataclass(answer) and not isinstance(answer, type) and getattr(answer, "provider", None) == self._old:
            copy: Any = answer
            return replace(copy, provider=self._new)
        return answer

    def _sign(self, error: CloudError) -> None:
        if error.provider == self._old:
            error.provider = self._new
        if error.avoid is not None and error.avoid.provider == self._old:
            error.avoid = replace(error.avoid, provider=self._new)
