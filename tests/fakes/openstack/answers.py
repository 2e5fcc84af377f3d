"""What OpenStack's services answer, word for word, when they refuse; in each service's own form."""

KINDS = {
    "instance": ("compute", "*/servers"),
    "volume": ("block-storage", "*/volumes"),
    "snapshot": ("block-storage", "*/snapshots"),
    "group": ("orchestration", "*/stacks"),
    "balancer": ("load-balancer", "*/loadbalancers"),
}
"""By kind: the service, and the path that its creates are sent to."""


def _nova(status, message, word="forbidden"):
    return status, {word: {"code": status, "message": message}}


def _heat(status, kind, message):
    title = {403: "Forbidden", 418: "Teapot"}[status]
    return status, {"code": status, "title": title, "explanation": message, "error": {"type": kind, "message": message}}


def _octavia(status, message):
    return status, {"faultcode": "Client", "faultstring": message, "debuginfo": None}


QUOTA = {
    "instance": _nova(403, "Quota exceeded for instances: Requested 1, but already used 500 of 500 instances"),
    "volume": _nova(
        413, "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'.", "overLimit"
    ),
    "snapshot": _nova(
        413, "SnapshotLimitExceeded: Maximum number of snapshots allowed (10) exceeded for quota 'snapshots'.", "overLimit"
    ),
    "group": _heat(403, "RequestLimitExceeded", "Request limit exceeded: You have reached the maximum stacks per tenant, 512."),
    "balancer": _octavia(403, "Quota has been met for resources: Load Balancer"),
}
"""What a create of a kind is refused with when there may be no more."""

DENIED = {
    "instance": _nova(403, "Policy doesn't allow os_compute_api:servers:create to be performed."),
    "volume": _nova(403, "Policy doesn't allow volume:create to be performed."),
    "snapshot": _nova(403, "Policy doesn't allow volume:create_snapshot to be performed."),
    "group": _heat(403, "Forbidden", "You are not authorized to complete this action."),
    "balancer": _octavia(403, "Policy does not allow this request to be performed."),
}
"""What it is refused with when a role is missing."""

UNKNOWN = _nova(418, "Insufficient capacity, perhaps.", "neverHeardOf")
THROTTLED = _nova(429, "This request was rate-limited.", "overLimit")
UNAUTHORIZED = (
    401,
    {"error": {"code": 401, "message": "The request you have made requires authentication.", "title": "Unauthorized"}},
)
UNAVAILABLE = (
    503,
    {"message": "The server is currently unavailable.", "code": "503 Service Unavailable", "title": "Unavailable"},
)
