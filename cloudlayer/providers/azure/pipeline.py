"""What a request of the SDK's goes through on its way: credentials, and none of what the SDK would do on its own."""

from __future__ import annotations

import logging
from typing import Any, Final

from azure.core.pipeline import policies
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from cloudlayer import __version__
from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.azure.options import Options

OPEN: Final[tuple[Any, ...]] = (
    policies.RequestIdPolicy(),
    policies.UserAgentPolicy(sdk_moniker=f"cloudlayer/{__version__}"),
    policies.ProxyPolicy(),
    policies.ContentDecodePolicy(),
    policies.CustomHookPolicy(),
)
"""Without credentials. No retries, no redirects, no log of bodies, no registering of providers on the side."""

logging.getLogger("azure").addHandler(logging.NullHandler())  # else what the SDK warns of goes to stderr, as errors do
_CONNECTED_WITHIN: Final = 5
_ANSWERED_WITHIN: Final = 30


class _LocalToken(policies.SansIOHTTPPolicy[Any, Any]):
    """For an endpoint of plain http, such as a test's: a token that is worth nothing, since anybody could read it."""

    def on_request(self, request: Any) -> None:
        """Add the header."""
        request.http_request.headers["Authorization"] = "Bearer local"


def transport() -> RequestsTransport:
    """A way to the cloud, with time limits in seconds."""
    return RequestsTransport(connection_timeout=_CONNECTED_WITHIN, read_timeout=_ANSWERED_WITHIN)


def authentication(options: Options, endpoint: str) -> Any:
    """The policy that adds credentials: the service principal's that is given, else what DefaultAzureCredential finds."""
    if endpoint.startswith("http://"):
        return _LocalToken()
    if options.tenant_id and options.client_id and options.client_secret:
        try:
            credential: Any = ClientSecretCredential(options.tenant_id, options.client_id, options.client_secret)
        except ValueError as error:
            raise InvalidSpec(f"azure.tenant_id: {error}") from None
    else:
        credential = DefaultAzureCredential()
    return ARMChallengeAuthenticationPolicy(credential, f"{endpoint}/.default")
