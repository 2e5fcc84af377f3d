"""Does what it is told: {"do": name, ...}; anything else comes back as it went in."""

import mmap
import os
import socket
import time
from pathlib import Path

MIB = 1024**2


def apply(input):
    if isinstance(input, dict) and "do" in input:
        return ACTS[input["do"]](input)
    return input


def fail(input):
    raise ValueError(input["message"])


def leave(input):
    os._exit(input["code"])


def allocate(input):
    return len(bytearray(input["mib"] * MIB))


def share(input):
    """Fill memory that counts as the control group's and not as the process's own."""
    with mmap.mmap(-1, input["mib"] * MIB) as memory:
        for offset in range(0, len(memory), mmap.PAGESIZE):
            memory[offset] = 1
    return input["mib"]


def sleep(input):
    time.sleep(input["seconds"])
    return "slept"


def environment(_):
    """What this process, and whoever it can look at, was given."""
    others = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            others[process.name] = (process / "environ").read_text("utf-8", "replace")
        except OSError:
            continue
    return {"own": dict(os.environ), "others": others}


def say(input):
    print(input["line"], flush=True)


def connect(input):
    socket.create_connection((input["host"], input["port"]), 3).close()
    return "connected"


def call(input):
    import cloudlayer_client

    return cloudlayer_client.client().algo(input["function"]).pipe(input["input"]).result


ACTS = {
    "fail": fail,
    "leave": leave,
    "allocate": allocate,
    "share": share,
    "sleep": sleep,
    "environment": environment,
    "say": say,
    "connect": connect,
    "call": call,
}
