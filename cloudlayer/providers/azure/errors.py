"""What Azure's error codes mean. The code alone decides, with the HTTP status where a code has two meanings.

See "Common REST API error codes" and "Troubleshoot common Azure deployment errors" in Azure's documentation. No published
schema lists the codes, least of all those with which an accepted operation fails later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from azure.core import exceptions as sdk

from cloudlayer.errors import (
    AuthError,
    CapacityError,
    CloudError,
    Conflict,
    NotFound,
    PermissionDenied,
    QuotaError,
    RejectedSpec,
    Throttled,
    TransientError,
    UnknownCloudError,
    Unsupported,
)
from cloudlayer.providers.base.errors import Fault, Where, first_sentence, translate

_THIS_OFFER: Final = ("region", "zone", "machine_type", "purchase")
_NO_ROOM: Final = Fault(CapacityError, ("region", "machine_type", "purchase"), 300)
_NO_ROOM_IN_ZONE: Final = Fault(CapacityError, _THIS_OFFER, 300)
_NOT_SOLD: Final = Fault(CapacityError, _THIS_OFFER, 3600)
_AUTH: Final = Fault(AuthError, (), 60)
_DENIED: Final = Fault(PermissionDenied, ("region",), 300)
_THROTTLED: Final = Fault(Throttled)
_TRANSIENT: Final = Fault(TransientError)
_REJECTED: Final = Fault(RejectedSpec)
_CONFLICT: Final = Fault(Conflict)
_ABSENT: Final = Fault(NotFound)

AMBIGUOUS: Final = "OperationNotAllowed"
"""A code for a quota that is used up, and for a thing whose state forbids a change: what was asked for tells them apart."""


def _quota(name: str, *reach: str) -> Fault:
    return Fault(QuotaError, ("region", *reach), 600, name)


def _all(fault: Fault, codes: str) -> dict[str, Fault]:
    return dict.fromkeys(codes.split(), fault)


TABLE: Final[Mapping[str, Fault]] = {
    **_all(_NO_ROOM, "AllocationFailed OverconstrainedAllocationRequest AllocationTimeout"),
    "SpotPriceGreaterThanProvidedMaxPrice": _NO_ROOM,
    **_all(_NO_ROOM_IN_ZONE, "ZonalAllocationFailed OverconstrainedZonalAllocationRequest"),
    "SkuNotAvailable": _NOT_SOLD,
    "QuotaExceeded": _quota("this kind of thing", "machine_type", "purchase"),
    "ResourceQuotaExceeded": _quota("things in the resource group"),
    "ResourceCountExceedsLimitDueToTemplate": _quota("things in the resource group"),
    "PublicIPCountLimitReached": _quota("public addresses"),
    **_all(_quota("public addresses"), "PublicIpAddressCountLimitReached StandardSkuPublicIPCountLimitReached"),
    **_all(_quota("network interfaces"), "NetworkInterfaceCountLimitReached NicCountLimitReached"),
    **_all(_quota("security groups"), "NetworkSecurityGroupCountLimitReached NetworkSecurityGroupsCountLimitReached"),
    **_all(_quota("load balancers"), "LoadBalancerCountLimitReached LoadBalancersCountLimitReached"),
    "VirtualNetworkCountLimitReached": _quota("virtual networks"),
    "SubnetIsFull": _quota("addresses in the subnet"),
    **_all(_quota("storage accounts"), "StorageAccountCountLimitExceeded MaxStorageAccountsCountPerSubscriptionExceeded"),
    "MaxDisksAttached": _quota("disks of a machine"),
    **_all(
        _AUTH, "AuthenticationFailed InvalidAuthenticationToken ExpiredAuthenticationToken AuthenticationFailedMissingToken"
    ),
    **_all(_AUTH, "InvalidAuthenticationTokenTenant InvalidAuthenticationTokenAudience AuthenticationFailedMissingToken"),
    **_all(_DENIED, "AuthorizationFailed LinkedAuthorizationFailed AuthorizationPermissionMismatch RequestDisallowedByPolicy"),
    **_all(_DENIED, "DisallowedOperation ReadOnlyDisabledSubscription SubscriptionNotRegistered DisabledSubscription"),
    **_all(_DENIED, "ScopeLocked MissingSubscriptionRegistration"),
    **_all(_THROTTLED, "TooManyRequests SubscriptionRequestsThrottled ResourceCollectionRequestsThrottled"),
    **_all(_TRANSIENT, "InternalServerError InternalExecutionError InternalError InternalOperationError ServerTimeout"),
    **_all(_TRANSIENT, "ServiceUnavailable GatewayTimeout BadGateway RetryableError RetryableErrorDueToAnotherOperation"),
    **_all(_TRANSIENT, "OperationTimedOut OperationPreempted ServerBusy ReferencedResourceNotProvisioned"),
    **_all(_TRANSIENT, "AnotherOperationInProgress CanceledAndSupersededDueToAnotherOperation InternalDiskManagementError"),
    **{"401": _AUTH, "403": _DENIED, "404": _ABSENT, "409": _CONFLICT, "412": _CONFLICT},
    **_all(_ABSENT, "ResourceNotFound NotFound ParentResourceNotFound VMNotFound InstanceNotFound InstanceIdNotFound"),
    "BlobNotFound": _ABSENT,
    **_all(_CONFLICT, "Conflict PropertyChangeNotAllowed PreconditionFailed ConcurrentUpdate OperationNotAllowed"),
    **_all(_CONFLICT, "AttachDiskWhileBeingDetached DiskAttachedToVM DiskInUse ResourceInUse InUse InUseWithPrivateEndpoint"),
    **_all(_CONFLICT, "NicInUse NicReservedForAnotherVm NetworkInterfaceInUse PublicIPAddressCannotBeDeleted"),
    **_all(_CONFLICT, "PublicIPAddressInUse NetworkSecurityGroupInUse NetworkSecurityGroupCannotBeDeleted"),
    **_all(_CONFLICT, "InUseNetworkSecurityGroupCannotBeDeleted InUseSubnetCannotBeDeleted LoadBalancerInUse"),
    **_all(_CONFLICT, "LoadBalancerInUseByVirtualMachineScaleSet CannotDeleteLoadBalancer DiskAlreadyAttached"),
    **_all(_CONFLICT, "ConflictingUserInput VMBeingDeleted ResourceBeingDeleted StorageAccountAlreadyTaken AccountIsLocked"),
    **_all(_CONFLICT, "PublicIPAddressInUseByNetworkInterface ResourceExists ShareAlreadyExists ShareBeingDeleted"),
    **_all(_CONFLICT, "AttachDiskWhileInUse DiskIsInUse VmIsDeallocated"),
    **_all(_CONFLICT, "MaxPriceChangeNotAllowed MaxPriceChangeNotAllowedForAllocatedVMs"),
    **_all(_REJECTED, "InvalidParameter InvalidParameterValue BadRequest InvalidRequestContent InvalidRequestFormat"),
    **_all(_REJECTED, "InvalidResourceReference InvalidTemplate InvalidTagNameCharacters TagValueTooLong InvalidSubnet"),
    **_all(_REJECTED, "ResourceGroupNotFound SubscriptionNotFound InvalidSubscriptionId LocationNotAvailableForResourceType"),
    **_all(
        _REJECTED, "ImageNotFound PlatformImageNotFound GalleryImageNotFound InvalidApiVersionParameter ResourceTypeNotFound"
    ),
    **_all(_REJECTED, "LinkedInvalidPropertyId InvalidResourceName InvalidResourceLocation VMSizeNotFound ArtifactNotFound"),
    **_all(_REJECTED, "MissingRequiredParameter RequestContentInvalid AvailabilityZoneNotSupported NoRegisteredProviderFound"),
    **_all(
        _REJECTED,
        "InvalidLocation ZoneNotSupported InvalidRequestUri ReservedResourceName MarketplacePurchaseEligibilityFailed",
    ),
    **_all(_REJECTED, "AddressNotInSubnet MarketplacePurchaseEligibilityFailed DiskSizeSmallerThanSource"),
    **_all(_REJECTED, "InvalidUserData VMMarketplaceInvalidInput"),
    **_all(_REJECTED, "AzureSpotIsNotSupportedForThisVMSize AzureSpotFeatureNotEnabledForSubscription MaxPriceValueInvalid"),
    **_all(_TRANSIENT, "StorageAccountOperationInProgress StorageAccountIsNotProvisioned"),
    **_all(_ABSENT, "ShareNotFound"),
    **_all(_CONFLICT, "InUseBackendAddressPoolCannotBeDeleted"),
    **_all(_REJECTED, "AccountNameInvalid InvalidAccountType RulesUseSameBackendPortProtocolAndPool"),
    **_all(_REJECTED, "RulesUseSameFrontendPortProtocolAndIPConfig"),
    **_all(Fault(Unsupported), "FeatureNotSupported NotSupported SkuNotSupported OperationNotSupported"),
}

_MENDS: Final[Mapping[str, str]] = {
    "ResourceGroupNotFound": "make it with `az group create --name {group} --location {region}`",
    "SubscriptionNotFound": "set AZURE_SUBSCRIPTION_ID to one of `az account list`, and log in to its tenant",
    "MissingSubscriptionRegistration": "register the provider once: az provider register --namespace NAMESPACE",
}
"""What to do about what no spec can mend."""

_LOGIN: Final = (
    "log in with `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET to those of a service principal"
)

_QUERY: Final = re.compile(r"\?\S+")
"""What follows an address: of some, a signature that lets anybody read it."""

SDK_ERRORS: Final = (sdk.AzureError,)

_SDK_FAULTS: Final[tuple[tuple[type[Exception], Fault], ...]] = (
    (sdk.ClientAuthenticationError, _AUTH),
    (sdk.ServiceRequestError, _TRANSIENT),
    (sdk.ServiceResponseError, _TRANSIENT),
    (sdk.DecodeError, _TRANSIENT),
)
"""What the SDK raises by itself, without an answer of Azure."""


def from_answer(
    status: int, document: Any, headers: Mapping[str, str], where: Where, making: str = "", *, group: str = "NAME"
) -> CloudError:
    """The error for a refusal. `making` is the quota that counts what is made, for OperationNotAllowed.

    `group` is the resource group that was asked for something, for the mend.
    """
    told, message = read_fault(document)
    code = told or str(status)
    fault = _fault(code, status, making)
    mend = _LOGIN if fault is _AUTH else _MENDS.get(code, "").format(group=group, region=where.region)
    return translate(
        {code: fault},
        code,
        _mended(message or "Azure gave no message", mend),
        where,
        request_id=str(headers.get("x-ms-request-id") or headers.get("x-ms-correlation-request-id") or ""),
        retry_after=seconds(headers.get("Retry-After")),
    )


def from_failure(document: Any, headers: Mapping[str, str], where: Where, making: str = "") -> CloudError:
    """The error for an operation that was accepted and failed later; `document` is its last status, with the cause inside."""
    return from_answer(200, document, headers, where, making)


def from_sdk(error: Exception, where: Where) -> CloudError:
    """The error for a call that had no answer, or was never made."""
    fault = next((fault for kind, fault in _SDK_FAULTS if isinstance(error, kind)), Fault(UnknownCloudError))
    code = type(error).__name__
    message = " ".join(str(error).split())
    if fault is _AUTH:  # of all that it tried in vain, the SDK tells a page
        message = _mended(first_sentence(str(error)), _LOGIN)
    return translate({code: fault}, code, _QUERY.sub("?…", message), where)


def _mended(message: str, mend: str) -> str:
    return f"{message.rstrip('.')}: {mend}" if mend else message


def read_fault(document: Any) -> tuple[str, str]:
    """Code and message of what tells of an error: a refusal, an operation's status, a part of an instance's view.

    A code that only says that something inside failed gives way to the one inside.
    """
    found = document.get("error", document) if isinstance(document, Mapping) else {}
    if not isinstance(found, Mapping):
        return "", ""
    code, message = str(found.get("code") or ""), str(found.get("message") or "")
    inner = [part for part in found.get("details") or () if isinstance(part, Mapping) and part.get("code") in TABLE]
    if code not in TABLE and inner:
        code, message = str(inner[0]["code"]), str(inner[0].get("message") or message)
    return code, message


def _fault(code: str, status: int, making: str) -> Fault:
    if status == 429:
        return _THROTTLED
    if code == AMBIGUOUS and making:
        return _quota(making, "machine_type", "purchase")
    known = TABLE.get(code)
    if known is None:
        return _TRANSIENT if status >= 500 else Fault(UnknownCloudError)
    return known


def seconds(header: Any) -> float | None:
    """What a Retry-After says, in seconds."""
    try:
        return float(header)
    except (TypeError, ValueError):
        return None
