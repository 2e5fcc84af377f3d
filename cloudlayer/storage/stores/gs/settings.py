"""What may be set for an account of gs://, and the client that is made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import google.auth
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Client
from pydantic import model_validator

from cloudlayer.errors import AuthError, InvalidSpec
from cloudlayer.specs import Duration, Size, Spec
from cloudlayer.units import MIB

_SCOPES: Final = ("https://www.googleapis.com/auth/devstorage.full_control",)


class Settings(Spec):
    """An account. `credentials` is the path of a file with them; without, the application default credentials are used.

    `timeout` is how long a request may stay without a byte, `retry_for` how long what fails for a while is tried again
    (unset: twice `timeout`).
    """

    credentials: str | None = None
    anonymous: bool = False
    endpoint: str | None = None
    timeout: Duration = 30.0
    connect_timeout: Duration = 5.0
    retry_for: Duration | None = None
    part_size: Size = 8 * MIB

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if self.anonymous and self.credentials is not None:
            raise ValueError("anonymous excludes credentials")
        return self


def client(uri: str, settings: Settings) -> Any:
    """A client of Cloud Storage."""
    options = {"api_endpoint": settings.endpoint} if settings.endpoint else None
    made: Any = Client(
        project="none", credentials=_credentials(uri, settings), client_options=options
    )  # buckets have no project
    # It would ask for the bucket itself, in a thread, to name it in traces: one more request, and one more permission.
    made._bucket_metadata_cache = None
    return made


def _credentials(uri: str, settings: Settings) -> Any:
    if settings.anonymous:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    try:
        if settings.credentials is not None:
            return _from_file(settings.credentials)
        return google.auth.default(scopes=_SCOPES)[0]
    except OSError as error:
        raise InvalidSpec(f"{uri}: credentials cannot be read: {error.strerror}") from None
    except ValueError:
        raise InvalidSpec(f"{uri}: credentials name no file that Google's library can read") from None
    except GoogleAuthError as error:
        message = "no credentials: set credentials, the path of a file, or anonymous = true, or log in with gcloud"
        raise AuthError(message, provider=uri, code=type(error).__name__) from None


def _from_file(path: str) -> Any:
    """The credentials of a file of the user's own: a service account's, an identity pool's, or a login's."""
    with Path(path).open("rb") as file:
        told = json.load(file)
    return google.auth.load_credentials_from_dict(told, scopes=_SCOPES)[0]  # type: ignore[no-untyped-call]
