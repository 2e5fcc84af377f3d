"""Who calls, in which project and region: found where Google's own tools look, and no sooner than it is needed."""

from __future__ import annotations

import json
import os
import threading
import warnings
from pathlib import Path
from typing import Any, Final

import google.auth
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.credentials import Credentials as TokenCredentials

from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.gcp import errors
from cloudlayer.providers.gcp.options import Options

_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)
_REGIONS: Final = ("GOOGLE_CLOUD_REGION", "CLOUDSDK_COMPUTE_REGION")
_PROJECTS: Final = ("GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")
_NO_REGION: Final = 'gcp: no region: write "gcp:us-central1", or set GOOGLE_CLOUD_REGION'
_NO_PROJECT: Final = "gcp.project: missing, and the credentials name none: give it, or set GOOGLE_CLOUD_PROJECT"


class Access:
    """Credentials, project and region of one connection. Thread-safe; reads no credentials before the first call."""

    def __init__(self, region: str | None, options: Options) -> None:
        found = region or _first(_REGIONS)
        if not found:
            raise InvalidSpec(_NO_REGION)
        self.region = found
        self._options = options
        of_file = _project_of(options.credentials_file)
        self._named = options.project or of_file or _first(_PROJECTS)
        self._found: tuple[Credentials, str | None] | None = None
        self._session: AuthorizedSession | None = None
        self._lock = threading.RLock()

    @property
    def project(self) -> str:
        """The project; InvalidSpec where neither options, environment nor credentials name one."""
        project = self._named or self._loaded()[1]
        if not project:
            raise InvalidSpec(_NO_PROJECT)
        return project

    def client(self, kind: Any) -> Any:
        """An SDK client of this kind, over REST."""
        endpoint = {"api_endpoint": self._options.endpoint} if self._options.endpoint else {}
        return kind(credentials=self._loaded()[0], client_options=endpoint, transport="rest")

    def session(self) -> AuthorizedSession:
        """An HTTP session for services of Google's that have no SDK client here."""
        with self._lock:
            if self._session is None:
                self._session = AuthorizedSession(self._loaded()[0])  # type: ignore[no-untyped-call]
            return self._session

    def _loaded(self) -> tuple[Credentials, str | None]:
        """The credentials and the project that they name, if any. AuthError where there are none."""
        with self._lock:
            if self._found is None:
                self._found = self._load()
            return self._found

    def _load(self) -> tuple[Any, str | None]:
        options = self._options
        if options.access_token:
            return TokenCredentials(token=options.access_token), None  # type: ignore[no-untyped-call]
        try:
            if options.credentials_file:
                found = _from_file(options.credentials_file)
            elif options.endpoint:
                found = AnonymousCredentials(), None  # type: ignore[no-untyped-call]
            else:
                found = google.auth.default(scopes=_SCOPES)
        except GoogleAuthError as error:
            raise errors.from_sdk(error, Where("gcp")) from None
        credentials, project = found
        return credentials, project


def _from_file(path: str) -> Any:
    """What a file holds, of whatever kind it is: the caller named it, so that Google's warning of strangers' is not meant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return google.auth.load_credentials_from_file(path, scopes=_SCOPES)  # type: ignore[no-untyped-call]


def _first(variables: tuple[str, ...]) -> str | None:
    """What the first of the environment's variables that is set says."""
    return next((os.environ[name] for name in variables if os.environ.get(name)), None)


def _project_of(path: str | None) -> str | None:
    """The project that a credentials file names; InvalidSpec if there is no such file, or it is not JSON."""
    if path is None:
        return None
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidSpec(f"gcp.credentials_file: {path} is not there") from None
    except OSError as error:
        raise InvalidSpec(f"gcp.credentials_file: {path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise InvalidSpec(f"gcp.credentials_file: {path}: is no JSON; give a key file of a service account") from None
    return found.get("project_id") or found.get("quota_project_id") if isinstance(found, dict) else None
