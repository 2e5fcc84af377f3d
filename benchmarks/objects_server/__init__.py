"""A bare S3 look-alike in memory, made to be faster than its clients: what they cost is then what is measured.

    with serving() as server:           # a process of its own, gone when the block ends or this process dies
        server.endpoint, server.bucket, server.pid

    python -m benchmarks.objects_server --port 0 --bucket bucket      # prints its port

One process, one event loop, requests parsed by hand, the standard library alone. It does what clients of object stores ask for:
objects with ranges, conditions, metadata, tags and copies; lists with prefix, delimiter, start-after and pages; deletes in
bulk; uploads in parts, with copies of parts; bodies in `aws-chunked`, with checksums after them; `Expect: 100-continue`.

What it is not: signatures and presigned URLs are accepted unread, buckets are in the path and never in the host's name, ETags
are numbers and no MD5 (as those of S3 with keys of its own are none), there are no versions, no permissions, and no ListObjects
of the first kind. Checksums that come with a body are verified: MD5, SHA-1, SHA-256, CRC32, and CRC32C if the package
google-crc32c is there. CRC64NVME, for which Python has no code, is kept and given back, and not verified. A body without a
checksum is compared with the SHA-256 that it is signed with.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs."""

    endpoint: str
    bucket: str
    pid: int


@contextlib.contextmanager
def serving(bucket: str = "bucket", *, filled: Mapping[str, int] | None = None) -> Iterator[Server]:
    """A server in a process of its own, with an empty bucket, while the context is open.

    `filled`: more buckets, with so many small objects.
    """
    command = [sys.executable, "-m", "benchmarks.objects_server", "--port", "0", "--bucket", bucket, "--until-input-ends"]
    command += [f"--filled={name}:{count}" for name, count in (filled or {}).items()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline().strip()
            if not line:
                raise RuntimeError(f"the server of objects ended at once, with status {process.wait()}")
            yield Server(f"http://127.0.0.1:{int(line)}", bucket, process.pid)
        finally:
            process.kill()
