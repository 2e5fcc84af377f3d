"""What the driver's commands answer, over a state in a file: `simulated_driver.py STATE COMMAND ARGUMENT…`.

The state has `gpus` ({uuid, model, memory, mib each}), `processes` ({pid, uuid, used, state}) and who the service for sharing
serves as. A GPU with `mig` ("Enabled" or "Disabled") can have `instances` ({number, profile, start, size, whole}); `reset` is
whether its mode takes a reset to change. The places are those of an H100 with 80 GB, as NVIDIA lists them.
"""

import json
import sys
from pathlib import Path

PLACES = {
    "1g.10gb": (1, range(7)),
    "1g.20gb": (2, (0, 2, 4, 6)),
    "2g.20gb": (2, (0, 2, 4)),
    "3g.40gb": (4, (0, 4)),
    "4g.40gb": (4, (0,)),
    "7g.80gb": (8, (0,)),
}


def uuid_of(gpu, instance):
    return f"MIG-{gpu['uuid']}-{instance['number']}"


def mode(state, gpu, wanted):
    if gpu.get("mig", "[N/A]") == "[N/A]":
        raise SystemExit("Unable to enable MIG Mode: Not Supported")
    if gpu.get("reset"):
        print("Warning: MIG mode is in pending enable state")
        return
    if any(one["uuid"] == gpu["uuid"] and one["state"] == "running" for one in state["processes"]) or gpu.get("instances"):
        raise SystemExit("In use by another client")
    gpu["mig"] = wanted


def listed(state):
    for index, gpu in enumerate(state["gpus"]):
        print(f"GPU {index}: {gpu['model']} (UUID: {gpu['uuid']})")
        for place, one in enumerate(each for each in gpu.get("instances", ()) if each["whole"]):
            print(f"  MIG {one['profile']}     Device  {place}: (UUID: {uuid_of(gpu, one)})")


def document(state):
    print('<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">\n<nvidia_smi_log>')
    for gpu in state["gpus"]:
        print(f"<gpu id='0'><uuid>{gpu['uuid']}</uuid><mig_devices>")
        for place, one in enumerate(each for each in gpu.get("instances", ()) if each["whole"]):
            print(f"<mig_device><index>{place}</index><gpu_instance_id>{one['number']}</gpu_instance_id></mig_device>")
        print("</mig_devices></gpu>")
    print("</nvidia_smi_log>")


def instances(state):
    found = [(index, one) for index, gpu in enumerate(state["gpus"]) for one in gpu.get("instances", ())]
    if not found:
        print("No GPU instances found: Not Found")
        raise SystemExit(6)
    print("|   GPU     Name             Profile  Instance   Placement  |")
    for index, one in found:
        print(
            f"|   {index}  MIG {one['profile']}          19        {one['number']}          {one['start']}:{one['size']}     |"
        )


def create(gpu, profile, start):
    if gpu.get("mig") != "Enabled":
        raise SystemExit("MIG mode is disabled")
    size, starts = PLACES.get(profile, (0, ()))
    there = gpu.setdefault("instances", [])
    overlaps = any(one["start"] < start + size and start < one["start"] + one["size"] for one in there)
    if start not in starts or overlaps:
        raise SystemExit("Unable to create a GPU instance: Insufficient Resources")
    number = next(each for each in range(1, 20) if each not in {one["number"] for one in there})
    there.append({"number": number, "profile": profile, "start": start, "size": size, "whole": True})


def mig(state, arguments):
    options = {arguments[at]: arguments[at + 1] for at in range(len(arguments) - 1)}
    if "-lgi" in arguments:
        instances(state)
        return
    gpu = next(each for each in state["gpus"] if each["uuid"] == options["-i"])
    if "-lgip" in arguments:
        for profile in PLACES:
            print(f"|   0  MIG {profile}          19     7/7        9.75       No     14     0     0   |")
    elif "-cgi" in arguments:
        profile, _, start = options["-cgi"].partition(":")
        create(gpu, profile, int(start))
    else:
        one = next((each for each in gpu.get("instances", ()) if each["number"] == int(options["-gi"])), None)
        if one is None:
            raise SystemExit("Not Found")
        if "-cci" in arguments:
            one["whole"] = True
        elif "-dci" in arguments:
            one["whole"] = False
        elif one["whole"]:
            raise SystemExit("In use by another client")
        else:
            gpu["instances"].remove(one)


def nvidia_smi(state, arguments):
    asked = arguments[0]
    if asked == "mig":
        mig(state, arguments)
    elif asked == "-L":
        listed(state)
    elif asked == "-q":
        document(state)
    elif "-mig" in arguments:
        gpu = next(each for each in state["gpus"] if each["uuid"] == arguments[1])
        mode(state, gpu, "Enabled" if arguments[-1] == "1" else "Disabled")
    elif asked.startswith("--query-gpu="):
        for index, gpu in enumerate(state["gpus"]):
            used = sum(one["used"] for one in state["processes"] if one["uuid"] == gpu["uuid"] and one["state"] == "running")
            values = {"index": index, "uuid": gpu["uuid"], "name": gpu["model"], "memory.total": gpu["memory"],
                      "memory.used": used, "driver_version": state["driver"],
                      "mig.mode.current": gpu.get("mig", "[N/A]")}  # fmt: skip
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
    before = json.dumps(state)
    {"nvidia-smi": nvidia_smi, "cuda-checkpoint": cuda_checkpoint, "nvidia-cuda-mps-control": nvidia_cuda_mps_control}[command](
        state, arguments
    )
    if json.dumps(state) != before:
        Path(path).write_text(json.dumps(state))


if __name__ == "__main__":
    main()
