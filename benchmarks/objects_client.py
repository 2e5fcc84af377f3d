"""One client of objects, measured in a process of its own: `python -m benchmarks.objects_client NAME` for `benchmarks.objects`.

Tasks come as lines of JSON on standard input, and each is answered with one. Nothing but the client's own library is imported,
so that this file runs in an environment where nothing else is installed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

KEYS = 1000
"""Small objects take turns at so many keys."""
DATA = bytes(range(256)) * 4


class Client(ABC):
    """What is measured of a client. Keys are in its one bucket; `listed` is the bucket that is listed."""

    @abstractmethod
    def put(self, key: str, data: bytes) -> object:
        """Put a small object."""

    @abstractmethod
    def get(self, key: str) -> object:
        """Get a small object."""

    @abstractmethod
    def put_file(self, key: str, path: str) -> object:
        """Put a file."""

    @abstractmethod
    def get_file(self, key: str, path: str) -> object:
        """Get an object into a file."""

    @abstractmethod
    def list(self) -> int:
        """How many objects a whole list finds."""

    @abstractmethod
    def at_once(self, verb: str, workers: int, seconds: float) -> int:
        """How many small operations `workers` workers do in `seconds`."""


class Threads(Client):
    """A client without coroutines: workers are threads."""

    def at_once(self, verb: str, workers: int, seconds: float) -> int:
        """See Client."""
        numbers = count()
        until = time.perf_counter() + seconds
        do = call(self, verb)

        def work() -> int:
            done = 0
            while time.perf_counter() < until:
                do(f"small/{next(numbers) % KEYS}")
                done += 1
            return done

        with ThreadPoolExecutor(workers) as pool:
            return sum(future.result() for future in [pool.submit(work) for _ in range(workers)])


class Coroutines(Client):
    """A client that has coroutines: workers are tasks of one loop."""

    loop: asyncio.AbstractEventLoop | None = None

    @abstractmethod
    def do_async(self, verb: str) -> Callable[[str], Coroutine[Any, Any, object]]:
        """The coroutine function of "put" or "get"."""

    def run(self, work: Coroutine[Any, Any, int]) -> int:
        """Run on a loop that stays, as a program of coroutines has one."""
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
        return self.loop.run_until_complete(work)

    def at_once(self, verb: str, workers: int, seconds: float) -> int:
        """See Client."""

        async def all_workers() -> int:
            numbers = count()
            until = time.perf_counter() + seconds
            do = self.do_async(verb)

            async def work() -> int:
                done = 0
                while time.perf_counter() < until:
                    await do(f"small/{next(numbers) % KEYS}")
                    done += 1
                return done

            return sum(await asyncio.gather(*(work() for _ in range(workers))))

        return self.run(all_workers())


def call(client: Client, verb: str) -> Callable[[str], object]:
    """ "put" or "get" as a function of the key."""
    return client.get if verb == "get" else lambda key: client.put(key, DATA)


class _Cloudlayer(Coroutines):
    """This library, by its URIs."""

    def __init__(self, endpoint: str) -> None:
        from cloudlayer import storage

        account = {"endpoint": endpoint, "access_key": "key", "secret_key": "secret", "region": "us-east-1"}
        self._client = storage.connect({"s3": account})
        self._async_client = storage.connect_async({"s3": account})

    def put(self, key: str, data: bytes) -> object:
        return self._client.file(f"s3://bucket/{key}").put(data)

    def get(self, key: str) -> object:
        return self._client.file(f"s3://bucket/{key}").get()

    def do_async(self, verb: str) -> Callable[[str], Coroutine[Any, Any, object]]:
        file = self._async_client.file
        if verb == "get":
            return lambda key: file(f"s3://bucket/{key}").get()
        return lambda key: file(f"s3://bucket/{key}").put(DATA)

    def put_file(self, key: str, path: str) -> object:
        return self._client.file(f"s3://bucket/{key}").put_file(path)

    def get_file(self, key: str, path: str) -> object:
        return self._client.file(f"s3://bucket/{key}").get_file(path)

    def list(self) -> int:
        return sum(1 for _ in self._client.dir("s3://listed/").list())


class _Boto3(Threads):
    """boto3: one client, whose connections are as many as the workers; files by its transfer manager."""

    def __init__(self, endpoint: str) -> None:
        import boto3
        from botocore.config import Config

        config = Config(max_pool_connections=32, s3={"addressing_style": "path"})
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        self._client = boto3.client("s3", endpoint_url=endpoint, config=config, **keys)

    def put(self, key: str, data: bytes) -> object:
        return self._client.put_object(Bucket="bucket", Key=key, Body=data)

    def get(self, key: str) -> object:
        return self._client.get_object(Bucket="bucket", Key=key)["Body"].read()

    def put_file(self, key: str, path: str) -> object:
        return self._client.upload_file(path, "bucket", key)

    def get_file(self, key: str, path: str) -> object:
        return self._client.download_file("bucket", key, path)

    def list(self) -> int:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket="listed")
        return sum(len(page["Contents"]) for page in pages)


class _S3FS(Coroutines):
    """s3fs: its calls in order, its coroutines on its own loop for many at once."""

    def __init__(self, endpoint: str) -> None:
        import s3fs

        keys = {"key": "key", "secret": "secret", "client_kwargs": {"region_name": "us-east-1"}}
        self._files = s3fs.S3FileSystem(endpoint_url=endpoint, **keys)

    def put(self, key: str, data: bytes) -> object:
        return self._files.pipe_file(f"bucket/{key}", data)

    def get(self, key: str) -> object:
        return self._files.cat_file(f"bucket/{key}")

    def do_async(self, verb: str) -> Callable[[str], Coroutine[Any, Any, object]]:
        if verb == "get":
            return lambda key: self._files._cat_file(f"bucket/{key}")
        return lambda key: self._files._pipe_file(f"bucket/{key}", DATA)

    def run(self, work: Coroutine[Any, Any, int]) -> int:
        return asyncio.run_coroutine_threadsafe(work, self._files.loop).result()

    def put_file(self, key: str, path: str) -> object:
        return self._files.put_file(path, f"bucket/{key}")

    def get_file(self, key: str, path: str) -> object:
        return self._files.get_file(f"bucket/{key}", path)

    def list(self) -> int:
        self._files.invalidate_cache()
        return len(self._files.find("listed"))


class _Obstore(Coroutines):
    """obstore, bare: its own functions on its own store, without a checksum."""

    def __init__(self, endpoint: str) -> None:
        import obstore
        from obstore.store import S3Store

        keys = {"access_key_id": "key", "secret_access_key": "secret", "region": "us-east-1"}
        options: Any = {"allow_http": True}
        self._obstore = obstore
        self._store = S3Store("bucket", endpoint=endpoint, client_options=options, **keys)  # type: ignore[arg-type]
        self._listed = S3Store("listed", endpoint=endpoint, client_options=options, **keys)  # type: ignore[arg-type]

    def put(self, key: str, data: bytes) -> object:
        return self._obstore.put(self._store, key, data)

    def get(self, key: str) -> object:
        return self._obstore.get(self._store, key).bytes()

    def do_async(self, verb: str) -> Callable[[str], Coroutine[Any, Any, object]]:
        async def get(key: str) -> object:
            return await (await self._obstore.get_async(self._store, key)).bytes_async()

        async def put(key: str) -> object:
            return await self._obstore.put_async(self._store, key, DATA)

        return get if verb == "get" else put

    def put_file(self, key: str, path: str) -> object:
        return self._obstore.put(self._store, key, Path(path))

    def get_file(self, key: str, path: str) -> object:
        with Path(path).open("wb") as file:
            for piece in self._obstore.get(self._store, key).stream():
                file.write(piece)
        return None

    def list(self) -> int:
        return sum(len(page) for page in self._obstore.list(self._listed))


CLIENTS: dict[str, Callable[[str], Client]] = {"cloudlayer": _Cloudlayer, "boto3": _Boto3, "s3fs": _S3FS, "obstore": _Obstore}


def small(client: Client, verb: str, workers: int, seconds: float) -> int:
    """Small operations for `seconds`; how many were done."""
    if workers > 1:
        return client.at_once(verb, workers, seconds)
    do, until = call(client, verb), time.perf_counter() + seconds
    done = 0
    while time.perf_counter() < until:
        do(f"small/{done % KEYS}")
        done += 1
    return done


def perform(client: Client, task: dict[str, Any]) -> int:
    """Do a task, and tell how many operations, bytes or objects it was."""
    match task["verb"]:
        case "put_file":
            client.put_file(task["key"], task["path"])
            return Path(task["path"]).stat().st_size
        case "get_file":
            client.get_file(task["key"], task["path"])
            return Path(task["path"]).stat().st_size
        case "list":
            return client.list()
        case "fill":
            for number in range(KEYS):
                client.put(f"small/{number}", DATA)
            return KEYS
        case verb:
            return small(client, verb, task["workers"], task["seconds"])


def measured(client: Client, task: dict[str, Any]) -> dict[str, float]:
    """A task's count, its wall and processor time in seconds, and by how many bytes the process's memory grew at most."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    memory, cpu, start = resident("VmRSS"), time.process_time(), time.perf_counter()
    done = perform(client, task)
    seconds, spent = time.perf_counter() - start, time.process_time() - cpu
    return {"count": done, "seconds": seconds, "cpu": spent, "grown": max(0, resident("VmHWM") - memory)}


def resident(name: str) -> int:
    """A figure of this process's memory, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))


def main() -> None:
    """Answer tasks until there are no more."""
    name, endpoint = sys.argv[1:]
    try:
        client = CLIENTS[name](endpoint)
    except ImportError as error:
        sys.stdout.write(json.dumps({"missing": str(error)}) + "\n")
        return
    sys.stdout.write(json.dumps({"ready": name}) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(measured(client, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
