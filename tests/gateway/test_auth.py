from __future__ import annotations

import pytest

from cloudlayer.fleet.routes import router_token
from cloudlayer.gateway.auth import Keyring, permit
from cloudlayer.gateway.envelope import CallError

from .stand_ins import CREDENTIALS, KEY, PEPPER, credential

keyring = Keyring(PEPPER, CREDENTIALS)


@pytest.mark.parametrize("header", [f"{KEY}", f"Simple {KEY}", f"Bearer {KEY}", f"simple  {KEY} ", f"BEARER {KEY}"])
def test_a_key_may_come_bare_or_with_its_scheme(header: str) -> None:
    assert keyring.verify(header.encode()) == CREDENTIALS[0]


@pytest.mark.parametrize("header", [None, b"", b"Simple ", b"Bearer", b"wrong", CREDENTIALS[0].hash.encode(), b"\xff\x00"])
def test_anything_else_is_a_401(header: bytes | None) -> None:
    with pytest.raises(CallError) as caught:
        keyring.verify(header)
    assert (caught.value.status, caught.value.code) == (401, 2002)


def test_the_error_never_repeats_the_key() -> None:
    with pytest.raises(CallError) as caught:
        keyring.verify(b"Simple hunter2")
    assert "hunter2" not in caught.value.message


def test_before_the_first_snapshot_no_key_is_good() -> None:
    with pytest.raises(CallError):
        Keyring().verify(KEY.encode())


def test_a_functions_token_calls_what_it_was_made_for_and_nothing_else() -> None:
    narrow = credential("t", ("nlp/Echo",))
    permit(narrow, "nlp/Echo")
    with pytest.raises(CallError, match='may not call nlp/Other; name it in "calls"') as caught:
        permit(narrow, "nlp/Other")
    assert (caught.value.status, caught.value.code) == (200, 2001)
    permit(credential("k"), "nlp/Other")


def test_a_router_is_believed_by_the_token_of_its_own_machine_alone() -> None:
    token = router_token(bytes.fromhex(PEPPER), "machine-1")
    assert keyring.is_router("machine-1", token)
    assert not keyring.is_router("machine-2", token)
    assert not keyring.is_router("machine-1", "")
