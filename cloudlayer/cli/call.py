"""`cloudlayer call`: one call through the gateway, by the standard library alone. The key never stands in the arguments."""

from __future__ import annotations

import base64
import http.client
import os
import sys
from json import JSONDecodeError, dumps, loads
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote, urlsplit

import typer

from cloudlayer.cli import options
from cloudlayer.cli.output import print_json
from cloudlayer.errors import AuthError, CloudLayerError, InvalidSpec, Throttled, TransientError

app = options.application()

_TYPES: Final = {"json": "application/json", "text": "text/plain", "binary": "application/octet-stream"}
_CONNECTIONS: Final = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
Timeout = Annotated[float | None, typer.Option(min=0.001, metavar="SECONDS", help="Wait no longer than this.")]


class CallFailed(CloudLayerError):
    """The function, or the gateway on its way to it, answered with an error."""


@app.command()
def call(
    function: Annotated[str, typer.Argument(metavar="NAMESPACE/NAME[/VERSION]", help="The function, such as nlp/Sentences.")],
    input: Annotated[str | None, typer.Argument(metavar="[INPUT|-]", help="The input; - reads standard input.")] = None,
    *,
    json_input: Annotated[bool, typer.Option("--json-input", help="The input is JSON.")] = False,
    text: Annotated[bool, typer.Option("--text", help="The input is text.")] = False,
    binary: Annotated[bool, typer.Option("--binary", help="The input is bytes.")] = False,
    url: Annotated[str | None, typer.Option(envvar="CLOUDLAYER_URL", help="The gateway; this host's if absent.")] = None,
    port: options.Port = 8080,
    key_file: Annotated[Path | None, typer.Option(help="A file with the key, if not in CLOUDLAYER_API_KEY.")] = None,
    timeout: Timeout = None,
    json: options.Json = False,
) -> None:
    """Call a function and print its result.

    Unless told otherwise, an input that is valid JSON goes as JSON and any other as text; none at all is null.
    """
    kinds = [kind for kind, wanted in (("json", json_input), ("text", text), ("binary", binary)) if wanted]
    if len(kinds) > 1:
        raise typer.BadParameter("give one of --json-input, --text and --binary")
    kind, body = _encoded(_read(input), kinds[0] if kinds else None)
    envelope = _post(url or f"http://127.0.0.1:{port}", function, kind, body, key=_key(key_file), timeout=timeout)
    if json:
        print_json(envelope)
    if fault := envelope.get("error"):
        raise CallFailed(f"{fault.get('error_type') or 'AlgorithmError'}: {fault.get('message', 'no message')}")
    if not json:
        _print_result(envelope)


def _read(argument: str | None) -> bytes:
    if argument == "-":
        return sys.stdin.buffer.read()
    return b"null" if argument is None else os.fsencode(argument)


def _encoded(body: bytes, kind: str | None) -> tuple[str, bytes]:
    """The content type and body to send."""
    if kind == "binary":
        return kind, body
    try:
        document = body.decode()
    except UnicodeDecodeError:
        raise InvalidSpec("the input is not UTF-8 text: send it with --binary") from None
    if kind == "text":
        return kind, body
    try:
        loads(document)
    except JSONDecodeError as error:
        if kind == "json":
            raise InvalidSpec(f"the input is not JSON: {error}") from None
        return "text", body
    return "json", body


def _key(key_file: Path | None) -> str:
    try:
        key = os.environ.get("CLOUDLAYER_API_KEY", "") if key_file is None else key_file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise AuthError(f"{key_file}: no key can be read from it: {getattr(error, 'strerror', 'it is not text')}") from None
    key = key.strip()
    if not key:
        raise AuthError("no key: set CLOUDLAYER_API_KEY, or name a file that holds it by --key-file")
    if not (key.isascii() and key.isprintable()):
        raise AuthError("the key has characters that no key has: was it copied whole, and nothing else with it?")
    return key


def _post(address: str, function: str, kind: str, body: bytes, *, key: str, timeout: float | None) -> dict[str, Any]:
    """The gateway's envelope. Raises an error for what keeps the call from a function."""
    connection, folder = _connection(address, timeout)
    path = f"{folder}/v1/algo/{quote(function.removeprefix('algo://').strip('/'), safe='/*')}"
    try:
        connection.request("POST", path, body, {"Authorization": f"Simple {key}", "Content-Type": _TYPES[kind]})
        answer = connection.getresponse()
        return _envelope(answer, answer.read())
    except TimeoutError:
        raise TransientError(f"{address} did not answer within {timeout:g} s") from None
    except (OSError, http.client.HTTPException) as error:
        raise TransientError(f"{address} cannot be reached: {error}; bring a fleet up by: cloudlayer up fleet.toml") from None
    finally:
        connection.close()


def _connection(address: str, timeout: float | None) -> tuple[http.client.HTTPConnection, str]:
    refusal = InvalidSpec(f'"{address}" is not the address of a gateway: write it as in http://127.0.0.1:8080')
    try:
        url = urlsplit(address)
        port = url.port
    except ValueError:
        raise refusal from None
    if url.scheme not in _CONNECTIONS or not url.hostname:
        raise refusal
    return _CONNECTIONS[url.scheme](url.hostname, port, timeout=timeout), url.path.rstrip("/")


def _envelope(answer: http.client.HTTPResponse, body: bytes) -> dict[str, Any]:
    try:
        envelope = loads(body)
    except ValueError:
        envelope = None
    if not isinstance(envelope, dict):
        raise CallFailed(f"what answers there is no gateway of cloudlayer: HTTP {answer.status} {answer.reason}")
    message = str((envelope.get("error") or {}).get("message", answer.reason))
    if answer.status in (401, 403):
        raise AuthError(message)
    if answer.status == 429:
        raise Throttled(f"{message}{_when(answer)}")
    if answer.status in (502, 503, 504):
        raise TransientError(f"{message}{_when(answer)}")
    return envelope


def _when(answer: http.client.HTTPResponse) -> str:
    seconds = answer.headers.get("Retry-After")
    return f"; try again in {seconds} s" if seconds else ""


def _print_result(envelope: dict[str, Any]) -> None:
    result, kind = envelope.get("result"), envelope.get("metadata", {}).get("content_type")
    if kind == "binary":
        sys.stdout.buffer.write(base64.b64decode(str(result)))
        sys.stdout.buffer.flush()
    elif kind == "text":
        print(result)
    elif kind != "void":
        print(dumps(result, indent=2, ensure_ascii=False))
