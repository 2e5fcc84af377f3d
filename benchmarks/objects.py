"""What a client of objects costs: `python -m benchmarks.objects [--json] [--rounds N] [--seconds N] [--clients NAME,…]`.

cloudlayer by its URIs, boto3, s3fs and obstore (bare: the library that cloudlayer's S3 stands on) do the same against one
server, `benchmarks.objects_server`: an S3 look-alike in memory, in a process of its own, which costs less than any of them.
Each client has a process of its own, so that its processor time is its own, of all its threads; s3fs, which pins another
botocore, has an environment of its own as well, which is made in `build/` on first use and needs pip's index then.

Measured: objects of 1 KiB put and got one after the other (`put_small_ops`, `get_small_ops`) and by 32 workers at once
(`put_small_32_ops`, …; coroutines where the client has them, threads for boto3), in operations a second; one object of 256 MiB
put from a file and got into one (`put_big_mb_s`, `get_big_mb_s`, 10⁶ bytes a second), in the way that is the client's own
for files, with its own defaults for parts and threads; a list of 100,000 objects (`list_s`). With each goes the processor time:
`…_cpu_ms` an operation, `…_cpu_s_gib` for big ones, `cpu_ms_per_op` the mean of put and get in order; and the server's own,
`server_cpu_ms_per_op`, which shows who is waited for. `…_big_grown_mib` is by how much the process's memory grew at most.

`integrity` says what is checked within these figures: clients differ. The first round's file is compared with what was put,
outside the measured time. Measurements take turns between the clients in rounds, so that a slow spell of the machine falls on
all; each figure is the median of its rounds. The list alone, which takes some of them long, is made in the first round only.
The files lie in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import venv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.objects_server import ROOT, Server, serving

ROUNDS = 5
SECONDS = 1.0
WORKERS = 32
BIG = 256 << 20
LISTED = 100_000
S3FS = "s3fs>=2026.9,<2027"
INTEGRITY = {
    "cloudlayer": {
        "put": "the SHA-256 that signs it, or CRC32C of parts, verified by the server; the CRC32C of the whole kept beside it",
        "get": "CRC32C of the whole, verified here",
    },
    "boto3": {"put": "CRC32 with each request, verified by the server", "get": "CRC32 of small objects; none of one in parts"},
    "s3fs": {"put": "CRC32 with each request, verified by the server", "get": "none"},
    "obstore": {"put": "the SHA-256 that signs it, verified by the server", "get": "none"},
}

Results = dict[str, dict[str, Any]]
Rows = dict[str, dict[str, list[float]]]


class Peer:
    """A client's process."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self._process = process

    def ask(self, **task: object) -> dict[str, float]:
        """Have it do a task; count, seconds, cpu and grown. SystemExit if it cannot."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """Its next line."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the process of {self.name} ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def run(clients: Sequence[str], rounds: int, seconds: float, *, big_bytes: int = BIG, listed: int = LISTED) -> Results:
    """Measure `clients`; a client that is not to be had has its reason under "missing"."""
    rows: Rows = {name: defaultdict(list) for name in clients}
    results: Results = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        big = folder / "big"
        big.write_bytes(secrets.token_bytes(big_bytes))
        server = stack.enter_context(serving(filled={"listed": listed}))
        peers = []
        for name in clients:
            peer, missing = stack.enter_context(connected(name, server))
            if missing:
                results[name] = {"missing": missing}
            else:
                peers.append(peer)
        for peer in peers[:1]:
            peer.ask(verb="fill")
        for number in range(rounds):
            measure_small(peers, server, seconds, rows)
            measure_big(peers, big, rows, compare=number == 0)
            if number == 0:
                measure_list(peers, rows, listed)
    for peer in peers:
        results[peer.name] = {**summary(rows[peer.name]), "integrity": INTEGRITY[peer.name]}
    return {name: results[name] for name in clients}


def measure_small(peers: Sequence[Peer], server: Server, seconds: float, rows: Rows) -> None:
    """Small objects, in order and at once."""
    for workers in (1, WORKERS):
        for verb in ("put", "get"):
            for peer in peers:
                peer.ask(verb=verb, workers=workers, seconds=seconds / 10)
                before = cpu_seconds(server.pid)
                found = peer.ask(verb=verb, workers=workers, seconds=seconds)
                row, name = rows[peer.name], f"{verb}_small" if workers == 1 else f"{verb}_small_{workers}"
                row[f"{name}_ops"].append(found["count"] / found["seconds"])
                row[f"{name}_cpu_ms"].append(1e3 * found["cpu"] / found["count"])
                row["server_cpu_ms_per_op"].append(1e3 * (cpu_seconds(server.pid) - before) / found["count"])


def measure_big(peers: Sequence[Peer], big: Path, rows: Rows, *, compare: bool) -> None:
    """One big object put from a file, and got into another."""
    for verb in ("put", "get"):
        for peer in peers:
            path = big if verb == "put" else big.with_name("got")
            path.with_name("got").unlink(missing_ok=True)
            found = peer.ask(verb=f"{verb}_file", key="big", path=str(path))
            row = rows[peer.name]
            row[f"{verb}_big_mb_s"].append(found["count"] / found["seconds"] / 1e6)
            row[f"{verb}_big_cpu_s_gib"].append(found["cpu"] * (1 << 30) / found["count"])
            row[f"{verb}_big_grown_mib"].append(found["grown"] / (1 << 20))
            if compare and not filecmp.cmp(big, path, shallow=False):
                raise SystemExit(f"{peer.name} got other bytes than were put")


def measure_list(peers: Sequence[Peer], rows: Rows, listed: int) -> None:
    """A whole list."""
    for peer in peers:
        found = peer.ask(verb="list")
        if found["count"] != listed:
            raise SystemExit(f"{peer.name} listed {found['count']} objects of {listed}")
        rows[peer.name]["list_s"].append(found["seconds"])
        rows[peer.name]["list_cpu_s"].append(found["cpu"])


def summary(row: dict[str, list[float]]) -> dict[str, Any]:
    """Medians."""
    found = {name: round(statistics.median(values), 3) for name, values in row.items()}
    return {**found, "cpu_ms_per_op": round((found["put_small_cpu_ms"] + found["get_small_cpu_ms"]) / 2, 4)}


@contextmanager
def connected(name: str, server: Server) -> Iterator[tuple[Peer, str]]:
    """A client's process while the context is open; with the reason, if it has none to measure."""
    try:
        python = environment() if name == "s3fs" else sys.executable
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"{name} is left out: {error.stderr}")
        python, reason = sys.executable, f"{S3FS} could not be installed"
    else:
        reason = ""
    command = [python, "-m", "benchmarks.objects_client", name, server.endpoint]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environ) as process:
        try:
            peer = Peer(name, process)
            answer = peer.answer()
            yield peer, reason or answer.get("missing", "")
        finally:
            process.kill()


def environment() -> str:
    """The Python of an environment that has s3fs; made, with pip's index, if it is not there yet."""
    folder = ROOT / "build" / "benchmarks" / "s3fs"
    python, made = folder / "bin" / "python", folder / "made"
    if not made.exists() or made.read_text() != S3FS:
        sys.stderr.write(f"installing {S3FS} into {folder}\n")
        venv.create(folder, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", S3FS]
        subprocess.run(install, check=True, capture_output=True, text=True)
        made.write_text(S3FS)
    return str(python)


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def table(results: Results) -> str:
    """The results for people."""
    rates = ("put_small", "get_small", f"put_small_{WORKERS}", f"get_small_{WORKERS}")
    lines = ["operations a second (processor ms of the client), MB a second (processor s a GiB, MiB grown), s"]
    lines.append(f"{'':10}" + "".join(f"{name:>18}" for name in (*rates, "put_big", "get_big", "list")))
    for name, row in results.items():
        if "missing" in row:
            lines.append(f"{name:10}  left out: {row['missing']}")
            continue
        cells = [f"{row[f'{each}_ops']:.0f} ({row[f'{each}_cpu_ms']:.2f})" for each in rates]
        for each in ("put_big", "get_big"):
            cells.append(f"{row[f'{each}_mb_s']:.0f} ({row[f'{each}_cpu_s_gib']:.2f}, {row[f'{each}_grown_mib']:.0f})")
        lines.append(f"{name:10}" + "".join(f"{cell:>18}" for cell in (*cells, f"{row['list_s']:.2f}")))
    return "\n".join(lines)


def main() -> None:
    """Print the results."""
    parser = argparse.ArgumentParser(description="What a client of objects costs.")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how many rounds, of which the medians are told")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="how long each measurement of small objects takes a round"
    )
    parser.add_argument("--clients", default=",".join(INTEGRITY), help="which clients, with commas")
    parser.add_argument("--big", type=int, default=BIG >> 20, help="MiB of the big object")
    parser.add_argument("--listed", type=int, default=LISTED, help="how many objects are listed")
    options = parser.parse_args()
    clients = options.clients.split(",")
    if unknown := set(clients) - INTEGRITY.keys():
        parser.error(f"no such client: {', '.join(sorted(unknown))}; known: {', '.join(INTEGRITY)}")
    results = run(clients, options.rounds, options.seconds, big_bytes=options.big << 20, listed=options.listed)
    print(json.dumps(results) if options.json else table(results))


if __name__ == "__main__":
    main()
