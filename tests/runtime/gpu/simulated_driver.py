"""What the driver's commands answer, over a state in a file: `simulated_driver.py STATE COMMAND ARGUMENT…`.

The state has `gpus` ({uuid, model, memory, mib each}), `processes` ({pid, uuid, used, state}) and who the service for sharing
serves as.
"""

import json
import sys
from pathlib import Path


def nvidia_smi(state, arguments):
    asked = arguments[0]
    if asked.startswith("--query-gpu="):
        for index, gpu in enumerate(state["gpus"]):
            used = sum(one["used"] for one in state["processes"] if one["uuid"] == gpu["uuid"] and one["state"] == "running")
            values = {"index": index, "uuid": gpu["uuid"], "name": gpu["model"], "memory.total": gpu["memory"],
                      "memory.used": used, "driver_version": state["driver"]}  # fmt: skip
            print(", ".join(str(values[name]) for name in asked.partition("=")[2].split(",")))
    elif asked.startswith("--query-compute-apps="):
        for one in state["processes"]:
            if one["state"] == "running":
                print(f"{one['uuid']}, {one['pid']}, {one['used'] if one['used'] is not None else '[N/A]'}")
    else:
        raise SystemExit(f"unknown: {arguments}")


def cuda_checkpoint(state, arguments):
    pid = int(arguments[arguments.index("--pid") + 1])
    mine = [one for one in state["processes"] if one["pid"] == pid]
    if not mine:
        raise SystemExit("no CUDA in this process")
    now = mine[0]["state"]
    if "--get-state" in arguments:
        print(now)
        return
    if now == "checkpointed":
        for gpu in state["gpus"]:
            running = [one for one in state["processes"] if one["uuid"] == gpu["uuid"] and one["state"] == "running"]
            wanted = sum(one["used"] for one in mine if one["uuid"] == gpu["uuid"])
            if sum(one["used"] for one in running) + wanted > gpu["memory"]:
                raise SystemExit("out of memory")
    for one in mine:
        one["state"] = "running" if now == "checkpointed" else "checkpointed"


def nvidia_cuda_mps_control(state, arguments):
    if arguments == ["-d"]:
        state["served_as"] = "somebody"
        state["starts"] = state.get("starts", 0) + 1
    elif state["served_as"] is None:
        raise SystemExit("Cannot find MPS control daemon process")


def main():
    path, command, *arguments = sys.argv[1:]
    state = json.loads(Path(path).read_text())
    {"nvidia-smi": nvidia_smi, "cuda-checkpoint": cuda_checkpoint, "nvidia-cuda-mps-control": nvidia_cuda_mps_control}[command](
        state, arguments
    )
    if command != "nvidia-smi":
        Path(path).write_text(json.dumps(state))


if __name__ == "__main__":
    main()
