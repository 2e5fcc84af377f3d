"""Who calls: keys and tokens, known by their keyed hash alone."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from cloudlayer.fleet.routes import Credential, router_token
from cloudlayer.gateway.envelope import BAD_KEY, FORBIDDEN, CallError
from cloudlayer.runtime.router.options import parse_key


class Keyring:
    """The credentials of one snapshot. Nothing that it holds opens anything: the keys themselves are not in it."""

    def __init__(self, pepper: str = "", credentials: Iterable[Credential] = ()) -> None:
        self._pepper = bytes.fromhex(pepper)
        self._credentials = {credential.hash.lower(): credential for credential in credentials}

    def verify(self, authorization: bytes | None) -> Credential:
        """Whose key the Authorization header holds, be it bare, `Simple KEY` or `Bearer KEY`; else CallError with HTTP 401."""
        key = parse_key(authorization or b"")
        if not key:
            raise _refused("no API key: send it in the Authorization header")
        credential = self._credentials.get(hmac.digest(self._pepper, key, "sha256").hex())
        if credential is None:
            raise _refused("this API key is not known here")
        return credential

    def is_router(self, machine: str, token: str) -> bool:
        """Whether whoever says `token` is the router of that machine."""
        return hmac.compare_digest(router_token(self._pepper, machine), token)


def permit(credential: Credential, function: str) -> None:
    """CallError (2001) unless the credential may call the function."""
    if credential.callable is not None and function not in credential.callable:
        raise CallError(
            "AuthorizationError",
            f'{credential.name} may not call {function}; name it in "calls" of the function that wants to',
            code=FORBIDDEN,
        )


def _refused(message: str) -> CallError:
    return CallError("AuthorizationError", message, status=401, code=BAD_KEY)
