"""What may be set for an account of az://, and the clients that are made of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.errors import MissingHeaderBodySeparatorDefect
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from azure.core import PipelineClient
from azure.core.credentials import AzureSasCredential
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.policies import AzureSasCredentialPolicy, BearerTokenCredentialPolicy, CustomHookPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, ContainerClient, ContainerSasPermissions, generate_container_sas
from obstore.auth.azure import DEFAULT_SCOPES, AzureCredentialProvider
from obstore.store import AzureStore
from pydantic import SecretStr, model_validator

from cloudlayer.errors import InvalidSpec
from cloudlayer.specs import Duration, Size, Spec
from cloudlayer.units import MIB

_LONGEST: Final = timedelta(hours=1)


class Settings(Spec):
    """An account. Without a secret, `DefaultAzureCredential` has one: environment, workload, managed identity, az login.

    `check_puts`: the service compares the MD5 of what is put, which takes the Azure library; without, a put is by obstore, in
    less time, and what broke on the way is found when it is read. `timeout` is how long a request may stay without a byte,
    `retry_for` how long what fails for a while is tried again
    (unset: twice `timeout`).
    """

    account: str | None = None
    account_key: SecretStr | None = None
    sas_token: SecretStr | None = None
    connection_string: SecretStr | None = None
    endpoint: str | None = None
    anonymous: bool = False
    check_puts: bool = True
    timeout: Duration = 30.0
    connect_timeout: Duration = 5.0
    retry_for: Duration | None = None
    part_size: Size = 8 * MIB

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        given = [self.account_key, self.sas_token, self.connection_string, self.anonymous or None]
        if sum(value is not None for value in given) > 1:
            raise ValueError("account_key, sas_token, connection_string and anonymous exclude each other")
        if self.connection_string is None and self.account is None:
            raise ValueError("account is required, the name of the storage account")
        return self

    def resolved(self) -> Settings:
        """With what the connection string says in the fields of their own."""
        if self.connection_string is None:
            return self
        pairs = (pair.partition("=") for pair in self.connection_string.get_secret_value().split(";") if pair)
        said = {name.lower(): value for name, _, value in pairs}
        account = said.get("accountname", self.account)
        scheme, suffix = said.get("defaultendpointsprotocol", "https"), said.get("endpointsuffix", "core.windows.net")
        return self.model_copy(
            update={
                "connection_string": None,
                "account": account,
                "account_key": SecretStr(said["accountkey"]) if "accountkey" in said else None,
                "sas_token": SecretStr(said["sharedaccesssignature"]) if "sharedaccesssignature" in said else None,
                "endpoint": said.get("blobendpoint") or self.endpoint or f"{scheme}://{account}.blob.{suffix}",
            }
        )


class _Whole(RequestsTransport):  # type: ignore[misc]  # azure.core loads it when it is asked for, which hides its type
    """Takes no answer for whole that broke off amid its headers: urllib3 only logs that."""

    def send(self, request: Any, **options: Any) -> Any:
        """As RequestsTransport; ServiceResponseError for such an answer."""
        answer = super().send(request, **options)
        headers, message = answer.headers, answer.internal_response.raw._original_response.msg
        refused = request.method == "HEAD" and answer.status_code >= HTTPStatus.BAD_REQUEST
        sized = any(name in headers for name in ("content-length", "transfer-encoding")) or headers.get("connection") == "close"
        broken = any(isinstance(each, MissingHeaderBodySeparatorDefect) for each in message.defects)
        if broken or not (sized or refused or answer.status_code in {204, 304}):
            raise ServiceResponseError("the headers of the answer broke off")
        return answer


class Clients:
    """One account's clients of one container: Azure's, a bare one for lists, and obstore's. None tries anything again."""

    def __init__(self, uri: str, container: str, settings: Settings) -> None:
        settings = settings.resolved()
        if not settings.account:
            raise InvalidSpec(f"{uri}: the connection string has no AccountName")
        self.account: str = settings.account
        self.key = _shown(settings.account_key)
        self.endpoint = (settings.endpoint or f"https://{settings.account}.blob.core.windows.net").rstrip("/")
        self._sas = (_shown(settings.sas_token) or "").removeprefix("?")
        self._container = container
        self._anonymous = settings.anonymous
        self._identity: Any = None
        if not (self.key or self._sas or settings.anonymous):
            from azure.identity import DefaultAzureCredential

            self._identity = DefaultAzureCredential()
        limits: dict[str, Any] = {"connection_timeout": settings.connect_timeout, "read_timeout": settings.timeout}
        credential: Any = self._identity or self.key or (AzureSasCredential(self._sas) if self._sas else None)
        if self.key:
            credential = {"account_name": self.account, "account_key": self.key}
        self.service = BlobServiceClient(
            self.endpoint,
            credential=credential,
            retry_total=0,
            max_single_get_size=1 << 40,
            max_single_put_size=4000 * MIB,
            transport=_Whole(**limits),
        )
        self.azure: ContainerClient = self.service.get_container_client(container)
        self.lists: PipelineClient[Any, Any] = PipelineClient(
            self.endpoint, policies=[self._signing()], transport=_Whole(**limits)
        )
        self.obstore = self._obstore(settings)

    @property
    def signs(self) -> bool:
        """Whether a URL can be signed by this account."""
        return bool(self.key or self._identity)

    def _signing(self) -> Any:
        """How a list is signed. The key itself signs no request of ours: it makes a token for lists, hour by hour."""
        if self._identity is not None:
            return BearerTokenCredentialPolicy(self._identity, *DEFAULT_SCOPES)
        if self.key is None:
            return AzureSasCredentialPolicy(AzureSasCredential(self._sas)) if self._sas else CustomHookPolicy()
        token = AzureSasCredential("none")
        made = _Hourly(token, self._list_token)
        return _Signing(token, made)

    def _list_token(self) -> str:
        return str(
            generate_container_sas(
                self.account,
                self._container,
                account_key=self.key,
                permission=ContainerSasPermissions(list=True),
                start=datetime.now(UTC) - timedelta(minutes=5),
                expiry=datetime.now(UTC) + 2 * _LONGEST,
            )
        )

    def _obstore(self, settings: Settings) -> AzureStore:
        return AzureStore(
            self._container,
            config={"account_name": self.account, "endpoint": self.endpoint, "skip_signature": self._anonymous},
            client_options={
                "allow_http": urlsplit(self.endpoint).scheme == "http",
                "connect_timeout": timedelta(seconds=settings.connect_timeout),
                "read_timeout": timedelta(seconds=settings.timeout),
                "timeout": _LONGEST,
            },
            retry_config={"max_retries": 0},
            credential_provider=None if self._anonymous else self._provider(),
        )

    def _provider(self) -> Any:
        if self._identity is not None:
            return AzureCredentialProvider(self._identity)
        if self.key is not None:
            return lambda: {"access_key": self.key, "expires_at": None}
        return lambda: {"sas_token": self._sas, "expires_at": None}


class _Hourly:
    """Renews a token before it ends."""

    def __init__(self, token: AzureSasCredential, make: Callable[[], str]) -> None:
        self._token = token
        self._make = make
        self._until = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> None:
        now = datetime.now(UTC)
        if now >= self._until:
            self._token.update(self._make())
            self._until = now + _LONGEST


class _Signing(AzureSasCredentialPolicy[Any, Any]):
    """Signs with a token that is renewed."""

    def __init__(self, token: AzureSasCredential, renew: Callable[[], None]) -> None:
        super().__init__(token)
        self._renew = renew

    def on_request(self, request: Any) -> None:
        self._renew()
        super().on_request(request)


def _shown(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
