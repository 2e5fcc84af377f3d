import pytest

from cloudlayer.errors import (
    Avoid,
    AvoidScope,
    CapacityError,
    Conflict,
    QuotaError,
    Throttled,
    UnknownCloudError,
    Unsupported,
)
from cloudlayer.providers.base.errors import Fault, Where, translate

WHERE = Where("acme", "north", "north-a", "big", "spot")
TABLE = {
    "Full": Fault(CapacityError, ("region", "zone", "machine_type", "purchase"), 300),
    "AllFull": Fault(CapacityError, ("region",), 300),
    "TypeFull": Fault(CapacityError, ("machine_type",), 300),
    "TooMany": Fault(QuotaError, ("region",), 600, "instances"),
    "Slow": Fault(Throttled),
    "Not": Fault(Unsupported, ("machine_type",), 60),
    "Other": Fault(Conflict),
}


def test_the_error_has_all_that_the_cloud_said():
    error = translate(TABLE, "Other", "is in another state", WHERE, request_id="r-1")
    assert (type(error), error.provider, error.code, error.request_id) == (Conflict, "acme", "Other", "r-1")
    assert str(error) == "acme: is in another state [Other] (request r-1)"
    assert error.avoid is None


@pytest.mark.parametrize(
    ("code", "scope", "avoid"),
    [
        ("Full", AvoidScope.ZONE, Avoid(300, "acme", "north", "north-a", "big", "spot")),
        ("AllFull", AvoidScope.REGION, Avoid(300, "acme", "north")),
        ("TypeFull", AvoidScope.MACHINE_TYPE, Avoid(300, "acme", machine_type="big")),
    ],
)
def test_a_lack_of_capacity_reaches_as_far_as_the_table_says(code, scope, avoid):
    error = translate(TABLE, code, "none", WHERE)
    assert (error.scope, error.avoid) == (scope, avoid)


def test_a_lack_in_a_zone_that_is_not_known_reaches_the_region():
    assert translate(TABLE, "Full", "none", Where("acme", "north", machine_type="big")).scope is AvoidScope.REGION


def test_quota_throttling_and_unsupported_keep_what_is_their_own():
    assert translate(TABLE, "TooMany", "no more", WHERE).name == "instances"
    assert translate(TABLE, "Slow", "slower", WHERE, retry_after=3.0).retry_after == 3.0
    unsupported = translate(TABLE, "Not", "not sold there", WHERE)
    assert (unsupported.reason, unsupported.avoid) == ("not sold there", Avoid(60, "acme", machine_type="big"))


@pytest.mark.parametrize("message", ["Insufficient capacity", "quota exceeded", "", "not found", "throttled"])
def test_no_message_makes_an_unknown_code_known(message):
    error = translate(TABLE, "Strange", message, WHERE)
    assert type(error) is UnknownCloudError
    assert (error.code, error.avoid) == ("Strange", None)
