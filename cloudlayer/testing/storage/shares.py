"""What shares promise: the protocol and size that were asked for, and a command that mounts them and holds no secret."""

from __future__ import annotations

import re
import shlex
from typing import Final

import pytest

from cloudlayer.errors import InvalidSpec, Unsupported
from cloudlayer.fleet.kinds import Shares
from cloudlayer.interfaces import Provider
from cloudlayer.resources import ShareSpec
from cloudlayer.testing.base import changed, labelled
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.faults import Faults, Kind
from cloudlayer.testing.skips import lacks, need
from cloudlayer.testing.things.base import ThingPromises
from cloudlayer.units import GIB

FILE_SYSTEMS: Final = {"nfs": ("nfs", "nfs4"), "smb": ("cifs", "smb3")}
"""By the protocol, how Linux calls its file systems."""

GIVEN_AWAY: Final = re.compile(r"(?i)pass(word|wd|2)?=|key=|sig=|token=")
"""What stands before a secret among a mount's options and in addresses."""

LARGER_THAN_ANY: Final = 2**60
"""Bytes."""


class SharePromises(ThingPromises):
    """`spec` is a small share of a protocol that the provider has."""

    kind: Kind = "share"
    capability = "shares"
    interface = "storage"
    ready = "ready"
    makes = ("share",)

    @pytest.fixture
    def share_spec(self, provider: Provider) -> ShareSpec:
        """A share of the least size that can be made again at twice that size."""
        return ShareSpec(name="conformance", size=GIB, protocol="nfs" if provider.capabilities["share_nfs"] else "smb")

    @pytest.fixture
    def spec(self, share_spec: ShareSpec, run: dict[str, str]) -> ShareSpec:
        """`share_spec`, labelled as this test's."""
        return labelled(share_spec, run)

    @pytest.fixture
    def absent_id(self) -> str:
        """An id that no share has."""
        return "no-such-share"

    @pytest.fixture
    def secrets(self) -> tuple[str, ...]:
        """What opens the cloud's shares, such as the keys that its stand-in gives; for clouds where there is such a thing."""
        return ()

    @pytest.fixture
    def things(self, provider: Provider) -> Shares:
        """What is tested, by the verbs that the like interfaces have."""
        return Shares(provider.storage)

    def altered(self, spec: ShareSpec) -> ShareSpec:
        """Twice as large."""
        return changed(spec, size=2 * spec.size)

    @proves("share_{protocol}")
    @pytest.mark.parametrize("protocol", FILE_SYSTEMS)
    def test_a_share_is_of_the_protocol_and_size_that_were_asked_for(
        self, provider: Provider, things: Shares, spec: ShareSpec, token: str, protocol: str
    ) -> None:
        """Or larger: on the answer, when it is ready and when it is listed."""
        need(provider, f"share_{protocol}")
        asked = changed(spec, size=spec.size + 1, protocol=protocol)
        created = things.create(asked, token=token)
        for share in (created, self.made(things, asked, token), *things.list(spec.labels)):
            assert (share.id, share.protocol) == (created.id, protocol)
            assert share.size > spec.size

    @proves("share_{protocol}")
    @pytest.mark.parametrize("protocol", FILE_SYSTEMS)
    def test_a_ready_share_says_how_it_is_mounted(
        self, provider: Provider, things: Shares, spec: ShareSpec, token: str, protocol: str
    ) -> None:
        """By a line for the shell that is its own; one that is not ready says nothing."""
        need(provider, f"share_{protocol}")
        first, second = (self.beside(changed(spec, protocol=protocol), number) for number in range(2))
        created = things.create(first, token=token)
        assert created.state == self.ready or created.mount_command is None
        commands = {
            share.id: share.mount_command or "" for share in (self.made(things, first, token), self.made(things, second))
        }
        assert len(set(commands.values())) == 2
        assert {share.id: share.mount_command for share in things.list(spec.labels)} == commands
        for command in commands.values():
            words = shlex.split(command)
            assert "\n" not in command
            assert words.index("mount") < words.index("-t")
            assert words[words.index("-t") + 1] in FILE_SYSTEMS[protocol]

    @pytest.mark.parametrize("protocol", FILE_SYSTEMS)
    def test_a_share_gives_no_secret_away(
        self, provider: Provider, things: Shares, spec: ShareSpec, secrets: tuple[str, ...], protocol: str
    ) -> None:
        """Neither in its mount command, which ends up in histories and lists of processes, nor elsewhere."""
        need(provider, f"share_{protocol}")
        made = self.made(things, changed(spec, protocol=protocol))
        for share in (made, *things.list(spec.labels)):
            assert not GIVEN_AWAY.search(share.mount_command or "")
            assert not [secret for secret in secrets if secret in repr(share)]

    def test_a_share_that_is_refused_leaves_nothing(self, things: Shares, spec: ShareSpec, token: str, faults: Faults) -> None:
        """One that is larger than any is a fault of the spec, and what was made for it is gone again."""
        with pytest.raises(InvalidSpec):
            things.create(changed(spec, size=LARGER_THAN_ANY), token=token)
        assert list(things.list(spec.labels)) == []
        assert faults.holdings(spec.labels) == {}

    @pytest.mark.parametrize("protocol", FILE_SYSTEMS)
    def test_a_share_of_a_protocol_that_is_missing_is_unsupported(
        self, provider: Provider, things: Shares, spec: ShareSpec, token: str, protocol: str
    ) -> None:
        """With the declared reason, and before anything is made."""
        reason = lacks(provider, f"share_{protocol}")
        with pytest.raises(Unsupported) as caught:
            things.create(changed(spec, protocol=protocol), token=token)
        assert reason in caught.value.reason
        assert list(things.list(spec.labels)) == []
