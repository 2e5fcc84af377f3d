"""`python -m cloudlayer.fleet.daemon`: serve a fleet without a terminal, with progress in the log that stderr leads to."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from cloudlayer.errors import CloudLayerError
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.store import Event
from cloudlayer.fleet.supervisor import serve


def main() -> int:
    """Serve the fleet that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m cloudlayer.fleet.daemon")
    parser.add_argument("--fleet", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    try:
        return serve(
            Home.from_environment(),
            options.fleet,
            host=options.host,
            port=options.port,
            progress=_log,
            ready=lambda url: _write(f"serving at {url}"),
        )
    except CloudLayerError as error:
        _write(str(error))
        return 1


def _log(event: Event) -> None:
    moment = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds")
    _write(f"{moment} {event.kind} {event.subject}: {event.message}")


def _write(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
