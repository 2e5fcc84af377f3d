"""What AWS's error codes mean. The code alone decides; see the EC2 API reference, "Error codes"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

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
from cloudlayer.providers.base.errors import Fault, Where, translate

_THIS_OFFER: Final = ("region", "zone", "machine_type", "purchase")
_NO_ROOM: Final = Fault(CapacityError, _THIS_OFFER, 300)
_NOT_SOLD: Final = Fault(Unsupported, _THIS_OFFER, 86400)
_AUTH: Final = Fault(AuthError, (), 60)
_DENIED: Final = Fault(PermissionDenied, ("region",), 300)
_THROTTLED: Final = Fault(Throttled)
_TRANSIENT: Final = Fault(TransientError)
_REJECTED: Final = Fault(RejectedSpec)
_CONFLICT: Final = Fault(Conflict)
_ABSENT: Final = Fault(NotFound)


def _quota(name: str, *reach: str) -> Fault:
    return Fault(QuotaError, ("region", *reach), 600, name)


def _all(fault: Fault, codes: str) -> dict[str, Fault]:
    return dict.fromkeys(codes.split(), fault)


TABLE: Final[Mapping[str, Fault]] = {
    **_all(_NO_ROOM, "InsufficientInstanceCapacity InsufficientCapacity InsufficientHostCapacity UnfulfillableCapacity"),
    **_all(_NO_ROOM, "InsufficientReservedInstanceCapacity ReservationCapacityExceeded SpotMaxPriceTooLow"),
    **_all(_NOT_SOLD, "Unsupported UnsupportedInstanceType"),
    "InsufficientAddressCapacity": Fault(CapacityError, ("region",), 300),
    "InsufficientVolumeCapacity": Fault(CapacityError, ("region", "zone"), 300),
    "InsufficientFreeAddressesInSubnet": _quota("free addresses in the subnet", "zone"),
    "VcpuLimitExceeded": _quota("vCPUs of running on-demand instances of this family", "machine_type", "purchase"),
    "InstanceLimitExceeded": _quota("running instances of this type", "machine_type", "purchase"),
    "MaxSpotInstanceCountExceeded": _quota("vCPUs of spot instances of this family", "machine_type", "purchase"),
    "SpotInstanceCountExceeded": _quota("spot instances", "purchase"),
    "VolumeLimitExceeded": _quota("size of volumes"),
    "MaxIOPSLimitExceeded": _quota("IOPS of volumes"),
    "VolumeModificationSizeLimitExceeded": _quota("size of volumes being modified"),
    "AttachmentLimitExceeded": _quota("volumes of an instance"),
    "SnapshotLimitExceeded": _quota("snapshots"),
    **_all(_quota("snapshots under way"), "ConcurrentSnapshotLimitExceeded PendingSnapshotLimitExceeded"),
    "AddressLimitExceeded": _quota("addresses"),
    "NetworkInterfaceLimitExceeded": _quota("network interfaces"),
    "SecurityGroupLimitExceeded": _quota("security groups"),
    "SecurityGroupsPerInterfaceLimitExceeded": _quota("security groups of a network interface"),
    "RulesPerSecurityGroupLimitExceeded": _quota("rules of a security group"),
    "ResourceLimitExceeded": _quota("resources of this kind"),
    **_all(_AUTH, "AuthFailure ExpiredToken ExpiredTokenException RequestExpired InvalidClientTokenId SignatureDoesNotMatch"),
    **_all(_AUTH, "UnrecognizedClientException IncompleteSignature MissingAuthenticationToken InvalidAccessKeyId"),
    **_all(_DENIED, "UnauthorizedOperation AccessDenied AccessDeniedException OptInRequired Blocked PendingVerification"),
    **_all(_THROTTLED, "RequestLimitExceeded Throttling ThrottlingException ThrottledException TooManyRequestsException"),
    **_all(_THROTTLED, "RequestThrottled RequestThrottledException EC2ThrottledException SlowDown PriorRequestNotComplete"),
    "SnapshotCreationPerVolumeRateExceeded": _THROTTLED,
    **_all(_TRANSIENT, "InternalError InternalFailure InternalServerError ServiceUnavailable Unavailable RequestTimeout"),
    **_all(_TRANSIENT, "RequestTimeoutException ServerInternal 500 502 503 504"),
    **_all(_ABSENT, "InvalidInstanceID.NotFound InvalidInstanceID.Malformed InvalidVolume.NotFound InvalidVolumeID.Malformed"),
    **_all(_ABSENT, "InvalidSnapshot.NotFound InvalidSnapshotID.Malformed InvalidNetworkInterfaceID.NotFound"),
    **_all(_CONFLICT, "VolumeInUse InvalidVolume.ZoneMismatch InvalidVolumeID.ZoneMismatch InvalidDevice.InUse"),
    **_all(_CONFLICT, "InvalidAttachment.NotFound InvalidSnapshot.InUse IncorrectModificationState"),
    **_all(_CONFLICT, "VolumeModificationRateExceeded InvalidNetworkInterface.InUse"),
    **_all(_CONFLICT, "IdempotentParameterMismatch IdempotentInstanceTerminated IncorrectInstanceState IncorrectState"),
    **_all(_CONFLICT, "InvalidGroup.Duplicate InvalidPermission.Duplicate DependencyViolation OperationNotPermitted"),
    **_all(_REJECTED, "InvalidParameter InvalidParameterValue InvalidParameterCombination MissingParameter UnknownParameter"),
    **_all(_REJECTED, "InvalidAMIID.NotFound InvalidAMIID.Malformed InvalidAMIID.Unavailable InvalidInstanceType"),
    **_all(_REJECTED, "InvalidKeyPair.NotFound InvalidSubnetID.NotFound InvalidSubnet InvalidSubnetID.Malformed InvalidZone"),
    **_all(_REJECTED, "InvalidGroup.NotFound InvalidGroupId.Malformed InvalidSecurityGroupID.NotFound"),
    **_all(_REJECTED, "InvalidBlockDeviceMapping InvalidUserData.Malformed InvalidInput UnknownVolumeType"),
    **_all(_TRANSIENT, "ServiceException InternalErrorException"),
    **_all(_ABSENT, "NoSuchResourceException"),
    **_all(_REJECTED, "IllegalArgumentException InvalidParameterException"),
    **_all(_REJECTED, "InvalidZone.NotFound InvalidParameterDependency InvalidKmsKey.InvalidState"),
    **_all(_REJECTED, "InvalidCapacityReservationId.NotFound InvalidCapacityReservationId.Malformed MissingInput"),
    **_all(_REJECTED, "InvalidPlacementGroup.Unknown VPCIdNotSpecified TagLimitExceeded ValidationException ValidationError"),
    **_all(_REJECTED, "InvalidIamInstanceProfileArn.Malformed InvalidPermission.Malformed ParameterNotFound InvalidRequest"),
    "LimitExceeded": _quota("Auto Scaling groups, their policies, or alarms"),
    "LimitExceededFault": _quota("alarms"),
    "TooManyLoadBalancers": _quota("load balancers"),
    "TooManyTargetGroups": _quota("target groups"),
    "TooManyUniqueTargetGroupsPerLoadBalancer": _quota("target groups of a load balancer"),
    "TooManyListeners": _quota("listeners of a load balancer"),
    "TooManyTargets": _quota("targets"),
    "TooManyRegistrationsForTargetId": _quota("target groups of a target"),
    "TooManyCertificates": _quota("certificates of a load balancer"),
    **_all(_THROTTLED, "ResourceContention ResourceContentionFault ConcurrentModificationException"),
    **_all(_TRANSIENT, "ServiceLinkedRoleFailure HealthUnavailable InternalServiceFault InternalServiceError"),
    **_all(_ABSENT, "InvalidLaunchTemplateName.NotFoundException InvalidLaunchTemplateId.NotFound"),
    **_all(_ABSENT, "InvalidLaunchTemplateId.VersionNotFound LoadBalancerNotFound TargetGroupNotFound ListenerNotFound"),
    **_all(_ABSENT, "ResourceNotFound ResourceNotFoundException ActiveInstanceRefreshNotFound"),
    **_all(_CONFLICT, "AlreadyExists ResourceInUse ScalingActivityInProgress InstanceRefreshInProgress InvalidTarget"),
    **_all(_CONFLICT, "InvalidLaunchTemplateName.AlreadyExistsException DuplicateLoadBalancerName"),
    **_all(_CONFLICT, "DuplicateTargetGroupName DuplicateListener"),
    **_all(_REJECTED, "InvalidLaunchTemplateName.MalformedException SubnetNotFound InvalidSecurityGroup InvalidScheme"),
    **_all(_REJECTED, "CertificateNotFound InvalidConfigurationRequest IncompatibleProtocols AvailabilityZoneNotSupported"),
    **_all(_REJECTED, "TooManyTags DuplicateTagKeys InvalidVpcID.NotFound"),
    **_all(Fault(Unsupported), "UnsupportedProtocol"),
    **_all(Fault(Unsupported), "UnsupportedOperation UnsupportedHibernationConfiguration VolumeTypeNotAvailableInZone"),
}

_SDK_FAULTS: Final[tuple[tuple[tuple[type[Exception], ...], Fault], ...]] = (
    (
        (
            sdk.NoCredentialsError,
            sdk.PartialCredentialsError,
            sdk.CredentialRetrievalError,
            sdk.TokenRetrievalError,
            sdk.SSOError,
        ),
        _AUTH,
    ),
    ((sdk.ParamValidationError,), _REJECTED),
    ((sdk.HTTPClientError, sdk.ConnectionError, ResponseParserError), _TRANSIENT),
)
"""What botocore raises by itself, without an answer of AWS."""


SDK_ERRORS: Final = (sdk.BotoCoreError, ResponseParserError)


def from_answer(error: sdk.ClientError, where: Where) -> CloudError:
    """The error for an answer of AWS."""
    fault, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    return translate(
        TABLE,
        str(fault.get("Code", "")),
        str(fault.get("Message", "")) or "AWS gave no message",
        where,
        request_id=str(metadata.get("RequestId", "") or error.response.get("RequestId", "")),
        retry_after=_seconds(metadata.get("HTTPHeaders", {}).get("retry-after")),
    )


def from_sdk(error: Exception, where: Where) -> CloudError:
    """The error for a call that had no answer, or was never made."""
    fault = next((fault for kinds, fault in _SDK_FAULTS if isinstance(error, kinds)), Fault(UnknownCloudError))
    code = type(error).__name__
    return translate({code: fault}, code, str(error), where)


def _seconds(header: Any) -> float | None:
    try:
        return float(header)
    except (TypeError, ValueError):
        return None
