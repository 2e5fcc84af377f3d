"""Azure's errors: their codes, the status of each, and the document that tells one."""

CODES = {
    400: (
        "BadRequest",
        "InvalidApiVersionParameter",
        "InvalidParameter",
        "InvalidRequestContent",
        "InvalidResourceReference",
        "LocationRequired",
        "MissingApiVersionParameter",
        "NoRegisteredProviderFound",
    ),
    401: ("AuthenticationFailed", "ExpiredAuthenticationToken", "InvalidAuthenticationToken"),
    403: ("AuthorizationFailed", "LinkedAuthorizationFailed", "RequestDisallowedByPolicy"),
    404: (
        "ImageNotFound",
        "InvalidResourceType",
        "NotFound",
        "ParentResourceNotFound",
        "PlatformImageNotFound",
        "ResourceGroupNotFound",
        "ResourceNotFound",
        "ShareNotFound",
        "SubscriptionNotFound",
    ),
    405: ("MethodNotAllowed",),
    409: (
        "AllocationFailed",
        "AnotherOperationInProgress",
        "Conflict",
        "ConflictingUserInput",
        "OperationNotAllowed",
        "OverconstrainedAllocationRequest",
        "OverconstrainedZonalAllocationRequest",
        "PropertyChangeNotAllowed",
        "QuotaExceeded",
        "ReferencedResourceNotProvisioned",
        "ShareAlreadyExists",
        "SkuNotAvailable",
        "StorageAccountAlreadyTaken",
        "ZonalAllocationFailed",
    ),
    412: ("PreconditionFailed",),
    429: ("TooManyRequests",),
    500: ("InternalExecutionError", "InternalOperationError", "InternalServerError"),
    503: ("ServerBusy", "ServiceUnavailable"),
    504: ("GatewayTimeout", "ServerTimeout"),
}

_STATUS = {code: status for status, codes in CODES.items() for code in codes}


class Refusal(Exception):
    """What Azure refuses: a call at once, or an operation at its end."""

    def __init__(self, code, message, status=None, target=None):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status or _STATUS.get(code, 400)
        self.target = target

    @property
    def error(self):
        """The error as an operation's document and an answer have it."""
        return {"code": self.code, "message": self.message, **({"target": self.target} if self.target else {})}
