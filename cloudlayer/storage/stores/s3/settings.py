"""What may be set for an account of s3://, and the clients that are made of it."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from http import HTTPStatus
from io import BytesIO
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ConnectionClosedError
from botocore.loaders import Loader
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.store import S3Store
from pydantic import Field, SecretStr, model_validator

from cloudlayer.errors import AuthError, InvalidSpec
from cloudlayer.specs import Duration, Size, Spec
from cloudlayer.units import MIB

_LONGEST: Final = timedelta(hours=1)


class Settings(Spec):
    """An account. Without keys, boto3's chain has them: environment, profile, SSO, web identity, the machine's own role.

    `timeout` is how long a request may stay without a byte, `retry_for` how long what fails for a while is tried again
    (unset: twice `timeout`).
    `lacks` names capabilities that an S3-compatible service does not have. Small objects are signed with their SHA-256, which
    the service compares with what arrives. `checksum` sends one more with them, which it keeps: "SHA256" or "CRC64NVME".
    """

    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    access_key: str | None = None
    secret_key: SecretStr | None = None
    session_token: SecretStr | None = None
    anonymous: bool = False
    path_style: bool | None = None
    checksum: Literal["SHA256", "CRC64NVME"] | None = None
    lacks: list[str] = Field(default_factory=list)
    timeout: Duration = 30.0
    connect_timeout: Duration = 5.0
    retry_for: Duration | None = None
    part_size: Size = 8 * MIB

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("access_key and secret_key are given together, or neither")
        if self.session_token is not None and self.access_key is None:
            raise ValueError("session_token goes with access_key and secret_key")
        if self.anonymous and (self.access_key or self.profile):
            raise ValueError("anonymous excludes access_key and profile")
        if self.part_size < 5 * MIB:
            raise ValueError('part_size must be "5MiB" or more: S3 takes no smaller parts')
        return self


class Clients:
    """One account's clients of one bucket: boto3's, and obstore's. Neither tries anything again."""

    def __init__(self, uri: str, bucket: str, settings: Settings) -> None:
        core = botocore.session.Session()
        try:
            self._session = boto3.Session(
                botocore_session=core,
                aws_access_key_id=settings.access_key,
                aws_secret_access_key=_shown(settings.secret_key),
                aws_session_token=_shown(settings.session_token),
                region_name=settings.region,
                profile_name=settings.profile,
            )
            core.register_component("data_loader", _descriptions())
            self.boto3: Any = self._session.client("s3", endpoint_url=settings.endpoint, config=_config(settings))
        except (BotoCoreError, ValueError) as error:
            raise InvalidSpec(f"{uri}: {error}") from None
        self.boto3.meta.events.register("before-send.s3", self._send)
        self.obstore = self._obstore(uri, bucket, settings)

    def _send(self, request: Any, **_: Any) -> Any:
        """Send as botocore does, and take no answer for whole that broke off amid its headers: urllib3 only logs that."""
        if isinstance(request.body, BytesIO):
            # botocore makes a file of what it is given, which urllib3 sends in small copies, a fifth of a part's time. The
            # bytes are those of the file, uncopied.
            request.body = request.body.getvalue()
        answer = self.boto3._endpoint.http_session.send(request)
        headers, message = answer.headers, answer.raw._original_response.msg
        # A refusal of a HEAD has no body, and Swift tells no length of it.
        refused = request.method == "HEAD" and answer.status_code >= HTTPStatus.BAD_REQUEST
        bodiless = refused or answer.status_code in {204, 304}
        sized = bodiless or "content-length" in headers or "transfer-encoding" in headers
        etag = headers.get("etag", '""')
        if message.defects or not sized or not (etag.endswith('"') and len(etag) > 1):
            raise ConnectionClosedError(endpoint_url=self.boto3.meta.endpoint_url, request=None)
        return answer

    def _obstore(self, uri: str, bucket: str, settings: Settings) -> S3Store:
        address = urlsplit(self.boto3.meta.endpoint_url)
        virtual = not _path_style(settings, bucket, address.hostname or "")
        host = f"{bucket}.{address.netloc}" if virtual else address.netloc
        # Who signs nothing has no other sum that the service would compare.
        checksum = settings.checksum or ("SHA256" if settings.anonymous else None)
        return S3Store(
            bucket,
            config={
                "endpoint": f"{address.scheme}://{host}{address.path.rstrip('/')}",
                "region": self.boto3.meta.region_name or "us-east-1",
                "virtual_hosted_style_request": virtual,
                "skip_signature": settings.anonymous,
                "conditional_put": "etag",
                "unsigned_payload": False,
                **({"checksum_algorithm": checksum} if checksum else {}),
            },
            client_options={
                "allow_http": address.scheme == "http",
                "connect_timeout": timedelta(seconds=settings.connect_timeout),
                "read_timeout": timedelta(seconds=settings.timeout),
                "timeout": _LONGEST,
            },
            retry_config={"max_retries": 0},
            credential_provider=None if settings.anonymous else self._credentials(uri),
        )

    def _credentials(self, uri: str) -> Boto3CredentialProvider:
        try:
            if self._session.get_credentials() is not None:
                return Boto3CredentialProvider(self._session)
        except BotoCoreError as error:
            raise AuthError(f"the credentials cannot be had: {type(error).__name__}", provider=uri) from None
        raise AuthError(
            "no credentials: set access_key and secret_key, a profile, or anonymous = true, or what boto3 looks for",
            provider=uri,
        )


@cache
def _descriptions() -> Loader:
    """botocore's descriptions of services, read once a process: each session would read them again, for most of its time."""
    return Loader()


def _config(settings: Settings) -> Config:
    return Config(
        signature_version=UNSIGNED if settings.anonymous else "s3v4",
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.timeout,
        retries={"total_max_attempts": 1},
        max_pool_connections=64,
        tcp_keepalive=True,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={
            "addressing_style": {True: "path", False: "virtual", None: "auto"}[settings.path_style],
            "payload_signing_enabled": False,  # each request has a checksum of ours, which costs less than a SHA-256
        },
    )


def _path_style(settings: Settings, bucket: str, host: str) -> bool:
    if settings.path_style is not None:
        return settings.path_style
    return "." in bucket or not host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def _shown(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
