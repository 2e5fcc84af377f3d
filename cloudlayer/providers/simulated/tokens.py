"""The simulated cloud's memory of tokens: what was made under each, and of which spec."""

from __future__ import annotations

from collections.abc import Mapping

from cloudlayer.errors import TOKEN_SPENT, Conflict
from cloudlayer.providers.simulated import views
from cloudlayer.providers.simulated.catalogue import PROVIDER
from cloudlayer.providers.simulated.views import Record
from cloudlayer.runtime.simulated.records import Document, TokenRecord, settings_of


def bind(document: Document, kind: str, token: str, digest: str, id: str) -> None:
    """Remember that this was made under the token; a cloud without tokens of its own does not."""
    if settings_of(document).native_tokens:
        document["tokens"][f"{kind}/{token}"] = TokenRecord(digest=digest, ids=[id])


def bound(document: Document, now: float, table: Mapping[str, Record], kind: str, *, token: str, digest: str) -> Record | None:
    """What was made under the token; Conflict if it was for another spec, or is gone."""
    known = document["tokens"].get(f"{kind}/{token}")
    if known is None or not settings_of(document).native_tokens:
        return None
    check(known, digest)
    record = table[str(known["ids"][0])]
    if views.gone(record, now):
        raise spent()
    return record


def check(known: TokenRecord, digest: str) -> None:
    """Raise Conflict if the token was used for something else."""
    if known["digest"] != digest:
        raise Conflict("this token was used for another spec: use a new one", provider=PROVIDER, code="TokenReused")


def spent() -> Conflict:
    """The error for a token whose things are gone."""
    return Conflict("what this token made is deleted: use a new one", provider=PROVIDER, code=TOKEN_SPENT)
