"""What `doctor` finds out, by calls that change nothing."""

from __future__ import annotations

from cloudlayer.errors import AuthError, CloudLayerError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.libcloud.calls import Calls
from cloudlayer.providers.libcloud.catalogue import Catalogue


def check(calls: Calls, catalogue: Catalogue, deadline: Deadline) -> list[str]:
    """A line for each thing that is wrong, with its mend."""
    try:
        calls.run(lambda held: held.driver.list_nodes(), doing="listing instances", deadline=deadline)
        catalogue.sold(deadline)
    except AuthError as error:
        return [f"{_line(error)}: check the options key and secret of {calls.where.provider} in the configuration file"]
    except CloudLayerError as error:
        return [f"{_line(error)}: is the cloud reachable from here, and may these credentials list instances and sizes?"]
    return []


def _line(error: CloudLayerError) -> str:
    return " ".join(str(error).split())
