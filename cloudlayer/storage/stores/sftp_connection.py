"""A connection to a host's SFTP server: made when it is first needed, and made anew when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncssh

from cloudlayer.errors import (
    AlreadyExists,
    AuthError,
    CloudError,
    Conflict,
    NotFound,
    PermissionDenied,
    QuotaError,
    TransientError,
    UnknownCloudError,
    Unsupported,
)
from cloudlayer.storage.stores.loops import LoopThread

_ERRORS: Final[dict[type[Exception], type[CloudError]]] = {
    asyncssh.SFTPNoSuchFile: NotFound,
    asyncssh.SFTPNoSuchPath: NotFound,
    asyncssh.SFTPNotADirectory: NotFound,
    asyncssh.SFTPPermissionDenied: PermissionDenied,
    asyncssh.SFTPWriteProtect: PermissionDenied,
    asyncssh.SFTPFileAlreadyExists: AlreadyExists,
    asyncssh.SFTPFileIsADirectory: Conflict,
    asyncssh.SFTPOpUnsupported: Unsupported,
    asyncssh.SFTPNoConnection: TransientError,
    asyncssh.SFTPConnectionLost: TransientError,
    asyncssh.PermissionDenied: AuthError,
}
Result = TypeVar("Result")


class Connection:
    """`run` is for any thread. Of many calls at once all go over the one connection."""

    def __init__(self, uri: str, options: dict[str, Any], timeout: float) -> None:
        self._uri = uri
        self._options = options
        self._timeout = timeout
        self._thread = LoopThread(f"connection of {uri}")
        self._lock = asyncio.Lock()
        self._closed = False
        self._ssh: asyncssh.SSHClientConnection | None = None
        self._sftp: asyncssh.SFTPClient | None = None

    def run(self, call: Callable[[asyncssh.SFTPClient], Awaitable[Result]]) -> Result:
        """What `call` gives, in one try."""
        if self._closed:
            raise TransientError("the store is closed", provider=self._uri, code="Closed")
        try:
            return self._thread.run(self._with_client(call), self._timeout)
        except CloudError:
            raise
        except Exception as error:
            raise self._translated(error) from None

    def close(self) -> None:
        """Let go of the connection."""
        if self._closed:
            return
        self._closed = True
        if self._ssh is not None:
            with suppress(TimeoutError):  # of a loop that hangs: its connection ends with the process
                self._thread.run(self._drop(), self._timeout)
        self._thread.stop()

    async def _with_client(self, call: Callable[[asyncssh.SFTPClient], Awaitable[Result]]) -> Result:
        client = await self._client()
        try:
            return await call(client)
        except (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost, ConnectionError):
            async with self._lock:
                if client is self._sftp:
                    await self._drop()
            raise

    async def _client(self) -> asyncssh.SFTPClient:
        async with self._lock:
            if self._sftp is None or self._ssh is None or self._ssh.is_closed():
                await self._drop()
                self._ssh = await asyncssh.connect(**self._options)
                self._sftp = await self._ssh.start_sftp_client()
            return self._sftp

    async def _drop(self) -> None:
        ssh, self._ssh, self._sftp = self._ssh, None, None
        if ssh is not None:
            ssh.abort()

    def _translated(self, error: Exception) -> CloudError:
        code = type(error).__name__
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return AuthError(self._unknown_host(), provider=self._uri, code=code)
        if isinstance(error, asyncssh.SFTPNoSpaceOnFilesystem | asyncssh.SFTPQuotaExceeded):
            return QuotaError("no space is left", name="space", provider=self._uri, code=code)
        if isinstance(error, TimeoutError):
            return TransientError("no answer in time", provider=self._uri, code="Timeout")
        for kind, meaning in _ERRORS.items():
            if isinstance(error, kind):
                return meaning(str(error) or code, provider=self._uri, code=code)
        if isinstance(error, OSError | asyncssh.DisconnectError):
            return TransientError(f"the connection broke or was refused: {error}", provider=self._uri, code=code)
        return UnknownCloudError(str(error) or code, provider=self._uri, code=code)

    def _unknown_host(self) -> str:
        host, port = self._options["host"], self._options["port"]
        known = self._options.get("known_hosts") or Path("~/.ssh/known_hosts")
        ask = f"ssh-keyscan {f'-p {port} ' if port else ''}{host}"
        return (
            f"the host's key is not the one in {known}, or none is there: compare it with what the host's owner says, "
            f"then add it (`{ask} >> {known}`)"
        )
