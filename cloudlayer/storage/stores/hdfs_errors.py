"""What HDFS refuses, and what its exceptions mean: RPC and WebHDFS tell the same ones by the name of their Java class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cloudlayer.errors import (
    AlreadyExists,
    AuthError,
    CloudError,
    Conflict,
    IntegrityError,
    InvalidSpec,
    NotFound,
    PermissionDenied,
    QuotaError,
    RejectedSpec,
    TransientError,
    UnknownCloudError,
    Unsupported,
)
from cloudlayer.storage.stores.renaming import check_name

_ERRORS: Final[Mapping[str, type[CloudError]]] = {
    "AccessControlException": PermissionDenied,
    "AlreadyBeingCreatedException": TransientError,
    "AuthenticationException": AuthError,
    "AuthorizationException": PermissionDenied,
    "ChecksumException": IntegrityError,
    "FileAlreadyExistsException": AlreadyExists,
    "FileNotFoundException": NotFound,
    "HadoopIllegalArgumentException": RejectedSpec,
    "IllegalArgumentException": RejectedSpec,
    "InvalidPathException": RejectedSpec,
    "InvalidToken": AuthError,
    "LeaseExpiredException": Conflict,
    "NotReplicatedYetException": TransientError,
    "ObserverRetryOnActiveException": TransientError,
    "ParentNotDirectoryException": Conflict,
    "PathComponentTooLongException": RejectedSpec,
    "PathIsNotDirectoryException": Conflict,
    "PathIsNotEmptyDirectoryException": Conflict,
    "RecoveryInProgressException": TransientError,
    "RetriableException": TransientError,
    "SafeModeException": TransientError,
    "SecurityException": AuthError,
    "StandbyException": TransientError,
    "UnresolvedPathException": Conflict,
    "UnsupportedOperationException": Unsupported,
}
_QUOTAS: Final = {"DSQuotaExceededException": "space", "NSQuotaExceededException": "names", "QuotaExceededException": "quota"}


def check_path(uri: str, key: str) -> None:
    """InvalidSpec for a key that is no path of HDFS."""
    check_name(uri, key)
    if ":" in key:
        raise InvalidSpec(f"{uri}{key} is no key here: HDFS has no colon in its names")


def translate(uri: str, java_class: str, message: str) -> CloudError:
    """The error for a Java class, with its package or without; of the message the first line, without the stack below it."""
    code = java_class.rpartition(".")[2].rpartition("$")[2]
    told = message.split("\n", 1)[0].strip() or code
    if code in _QUOTAS:
        return QuotaError(told, name=_QUOTAS[code], provider=uri, code=code)
    kind = _ERRORS.get(code, UnknownCloudError)
    return kind(told, provider=uri, code=code)
