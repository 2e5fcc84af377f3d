"""Azure as the suite sees it: the fake that the driver's own tests use."""

import re

import pytest

from cloudlayer.providers.azure.permissions import ACTIONS
from tests.providers.azure.conftest import arm, clock, cloud, compute, connected, no_other_azure, options, server

__all__ = ["arm", "clock", "cloud", "compute", "connected", "no_other_azure", "options", "server"]

ALLOWED = {action.lower() for actions in ACTIONS.values() for action in actions}
PLANTED = "x-planted"
"""The header of the calls that the tests themselves make."""

VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}


@pytest.fixture(autouse=True)
def within_the_role(arm):
    """Whatever the suite makes the driver do, the role that `cloudlayer iam` prints allows it, and is well-formed."""
    yield
    made = {action(call.verb, call.path) for call in arm.calls if call.method and PLANTED not in call.headers}
    assert {name for name in made if name and name.lower() not in ALLOWED} == set()
    assert arm.faulty == []


def action(verb, path):
    """The action that a role must allow for a call: the types in its path, and what is done; None for what takes no role."""
    found = re.fullmatch(r".*/providers/([^/]+)/(.*)", path, re.IGNORECASE)
    if found is None:
        return None
    namespace, parts = found[1], found[2].strip("/").split("/")
    if verb == "POST":
        return f"{namespace}/{'/'.join(parts[:-1:2])}/{parts[-1]}/action"
    return f"{namespace}/{'/'.join(parts[::2])}/{VERBS[verb]}"
