"""The machine types, accelerators and disk types that this Compute Engine has, after the public documentation."""

import re

AMERICAN = ("us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f")
EUROPEAN = ("europe-west4-a", "europe-west4-b")
ZONES = AMERICAN + EUROPEAN

A100, A100_80, H100, L4, T4, V100 = (
    "nvidia-tesla-a100",
    "nvidia-a100-80gb",
    "nvidia-h100-80gb",
    "nvidia-l4",
    "nvidia-tesla-t4",
    "nvidia-tesla-v100",
)
ACCELERATORS = {
    T4: ("NVIDIA T4", 4, ZONES),
    V100: ("NVIDIA V100", 8, ("us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f", "europe-west4-a")),
    L4: ("NVIDIA L4", 8, ("us-central1-a", "us-central1-b", "us-central1-c", *EUROPEAN)),
    A100: ("NVIDIA A100 40GB", 16, ("us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f", *EUROPEAN)),
    A100_80: ("NVIDIA A100 80GB", 8, ("us-central1-a", "us-central1-c", "europe-west4-a")),
    H100: ("NVIDIA H100 80GB", 8, ("us-central1-a", "us-central1-c", "europe-west4-b")),
}
"""Description, most in one instance, and zones."""

ATTACHABLE = {T4: (1, 2, 4), V100: (1, 2, 4, 8)}
"""Accelerators that an N1 instance can have, and how many."""


def _series(name, sizes, memory):
    return {f"{name}-{size}": (size, int(size * memory * 1024)) for size in sizes}


SHARED = {"e2-micro": (2, 1024), "e2-small": (2, 2048), "e2-medium": (2, 4096)}
PLAIN = {
    **SHARED,
    **_series("e2-standard", (2, 4, 8, 16, 32), 4),
    **_series("e2-highmem", (2, 4, 8, 16), 8),
    **_series("e2-highcpu", (2, 4, 8, 16, 32), 1),
    **_series("n1-standard", (1, 2, 4, 8, 16, 32), 3.75),
    **_series("n1-highmem", (2, 4, 8), 6.5),
    **_series("n2-standard", (2, 4, 8, 16, 32), 4),
    **_series("n2-highmem", (2, 4, 8, 16), 8),
    **_series("c3-standard", (4, 8, 22), 4),
    **_series("c4-standard", (2, 4, 8), 3.75),
}
ARM = {**_series("t2a-standard", (1, 2, 4, 8), 4), **_series("c4a-standard", (1, 2, 4, 8), 4)}
ARM_ZONES = ("us-central1-a", "us-central1-b", "us-central1-f", *EUROPEAN)
WITH_GPUS = {
    "a2-highgpu-1g": (12, 85, A100, 1),
    "a2-highgpu-2g": (24, 170, A100, 2),
    "a2-highgpu-4g": (48, 340, A100, 4),
    "a2-highgpu-8g": (96, 680, A100, 8),
    "a2-megagpu-16g": (96, 1360, A100, 16),
    "a2-ultragpu-1g": (12, 170, A100_80, 1),
    "a2-ultragpu-2g": (24, 340, A100_80, 2),
    "a2-ultragpu-4g": (48, 680, A100_80, 4),
    "a2-ultragpu-8g": (96, 1360, A100_80, 8),
    "a3-highgpu-1g": (26, 234, H100, 1),
    "a3-highgpu-2g": (52, 468, H100, 2),
    "a3-highgpu-4g": (104, 936, H100, 4),
    "a3-highgpu-8g": (208, 1872, H100, 8),
    "g2-standard-4": (4, 16, L4, 1),
    "g2-standard-8": (8, 32, L4, 1),
    "g2-standard-12": (12, 48, L4, 1),
    "g2-standard-16": (16, 64, L4, 1),
    "g2-standard-24": (24, 96, L4, 2),
    "g2-standard-32": (32, 128, L4, 1),
    "g2-standard-48": (48, 192, L4, 4),
    "g2-standard-96": (96, 384, L4, 8),
}
"""Processors, GiB, accelerator, and how many come with the machine type."""

PERSISTENT = ("pd-standard", "pd-balanced", "pd-ssd")
HYPER = ("hyperdisk-balanced",)
SERIES_DISKS = {
    "e2": (*PERSISTENT, "pd-extreme"),
    "n1": (*PERSISTENT, "pd-extreme"),
    "n2": (*PERSISTENT, "pd-extreme"),
    "t2a": PERSISTENT,
    "g2": ("pd-balanced", "pd-ssd"),
    "a2": PERSISTENT,
    "a3": ("pd-balanced", "pd-ssd", *HYPER),
    "c3": ("pd-balanced", "pd-ssd", *HYPER),
    "c4": HYPER,
    "c4a": HYPER,
}
"""The disk types that instances of a series can have."""

DISK_TYPES = {
    "pd-standard": ("Standard Persistent Disk", 500, (10, 65536)),
    "pd-balanced": ("Balanced Persistent Disk", 100, (10, 65536)),
    "pd-ssd": ("SSD Persistent Disk", 100, (10, 65536)),
    "pd-extreme": ("Extreme Persistent Disk", 1000, (500, 65536)),
    "hyperdisk-balanced": ("Hyperdisk Balanced", 100, (4, 65536)),
    "local-ssd": ("Local SSD", 375, (375, 375)),
}
"""Description, size if none is given, and the sizes that there can be, in GB."""

REGIONAL_DISK_TYPES = ("pd-standard", "pd-balanced", "pd-ssd")

_CUSTOM = re.compile(r"(?:(n1|n2|e2)-)?custom-(\d+)-(\d+)(?:-ext)?")


def described(name, zone):
    """A machine type's own fields in a zone; None where it is not there. Custom ones are made up as they are asked for."""
    if name in PLAIN:
        return _fields(*PLAIN[name], name in SHARED)
    if name in ARM:
        return _fields(*ARM[name], False) | {"architecture": "ARM64"} if zone in ARM_ZONES else None
    if name in WITH_GPUS:
        cpus, memory, accelerator, many = WITH_GPUS[name]
        if zone not in ACCELERATORS[accelerator][2]:
            return None
        cards = [{"guestAcceleratorType": accelerator, "guestAcceleratorCount": many}]
        return _fields(cpus, memory * 1024, False) | {"accelerators": cards}
    found = _CUSTOM.fullmatch(name)
    return _fields(int(found[2]), int(found[3]), False) if found else None


def names():
    """Every machine type that is listed."""
    return (*PLAIN, *ARM, *WITH_GPUS)


def series(name):
    """The series of a machine type: "n1" for custom ones without a name of their own."""
    return "n1" if name.startswith("custom-") else name.partition("-")[0]


def _fields(cpus, memory, is_shared):
    return {
        "description": f"{cpus} vCPU, {memory / 1024:g} GB RAM",
        "guestCpus": cpus,
        "memoryMb": memory,
        "imageSpaceGb": 0,
        "maximumPersistentDisks": 16 if is_shared else 128,
        "maximumPersistentDisksSizeGb": "3072" if is_shared else "263168",
        "isSharedCpu": is_shared,
        "architecture": "X86_64",
    }
