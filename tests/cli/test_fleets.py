from inspect import getmembers, isfunction, signature

import pytest

from cloudlayer.fleet.service import Fleets
from tests.cli import stand_ins

NAMES = [name for name, _ in getmembers(stand_ins.Fleets, isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_the_stand_in_is_called_as_the_real_fleets_are(name):
    assert list(signature(getattr(stand_ins.Fleets, name)).parameters.items()) == [
        (parameter, known.replace(annotation=known.empty))
        for parameter, known in signature(getattr(Fleets, name)).parameters.items()
    ]
