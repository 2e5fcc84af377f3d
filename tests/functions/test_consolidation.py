"""What a manifest says of emptying machines."""

from __future__ import annotations

import pytest

from cloudlayer.errors import InvalidSpec
from cloudlayer.fleet.desired import Desired
from cloudlayer.functions.manifest import Manifest
from cloudlayer.specs import checked

FUNCTION = {"name": "food/See", "version": "1.0.0", "image": "see:1"}


def manifest(consolidation=None, **function) -> Manifest:
    fleet = {"name": "fleet", "providers": ["simulated"]} | ({"consolidation": consolidation} if consolidation else {})
    return checked(Manifest, {"fleet": fleet, "function": [FUNCTION | function]}, "")


def test_a_fleet_is_consolidated_unless_its_manifest_says_otherwise():
    assert manifest().fleet.consolidation.enabled
    assert not manifest({"enabled": False}).fleet.consolidation.enabled


def test_times_have_units_and_amounts_may_be_whole_numbers():
    found = manifest({"after": "10m", "payback": "2h", "least": 1, "share": 0, "move": 0, "moves": 5}).fleet.consolidation
    assert (found.after, found.payback, found.least, found.share, found.move, found.moves) == (600.0, 7200.0, 1.0, 0.0, 0.0, 5)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"least": 0}, "fleet.consolidation.least"),
        ({"share": 1.5}, "fleet.consolidation.share"),
        ({"payback": 0}, "fleet.consolidation.payback"),
        ({"moves": 0}, "fleet.consolidation.moves"),
        ({"move": float("inf")}, "fleet.consolidation.move"),
        ({"sometimes": True}, "fleet.consolidation.sometimes"),
    ],
)
def test_what_would_never_come_to_rest_or_means_nothing_is_refused(wrong, fault):
    with pytest.raises(InvalidSpec, match=fault):
        manifest(wrong)


def test_another_price_of_moving_a_replica_starts_none_anew():
    first, second = manifest(), manifest(move=0.5)
    assert second.function[0].move == 0.5
    assert Desired(first).digest(first.function[0]) == Desired(second).digest(second.function[0])
