"""What a host is found to have: the limits of a container count, and so does every GPU that NVML shows."""

import sys
from types import SimpleNamespace

import pytest

from cloudlayer.providers.local import host
from cloudlayer.units import GIB, MIB


@pytest.fixture
def root(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal:       16777216 kB\nMemFree: 1 kB\n")
    (tmp_path / "proc/self/cgroup").write_text("")
    return tmp_path


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))


def control_group(root, own, **files):
    (root / "proc/self/cgroup").write_text(own)
    for name, content in files.items():
        path = root / "sys/fs/cgroup" / name.replace("__", "/").replace("--", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")


def test_without_limits_the_whole_host_counts(root):
    found = host.measure(root, root)
    assert (found.millicores, found.memory) == (8000, 16 * GIB)


def test_the_limits_of_a_container_count_in_version_2(root):
    files = {"cpu--max": "150000 100000", "memory--max": str(2 * GIB)}
    control_group(root, "0::/\n", **files)
    found = host.measure(root, root)
    assert (found.millicores, found.memory) == (1500, 2 * GIB)


def test_the_tightest_limit_of_the_groups_around_us_counts(root):
    files = {
        "memory--max": "max",
        "a__memory--max": str(3 * GIB),
        "a__b__memory--max": str(4 * GIB),
        "a__cpu--max": "max 100000",
    }
    control_group(root, "0::/a/b\n", **files)
    found = host.measure(root, root)
    assert (found.millicores, found.memory) == (8000, 3 * GIB)


def test_the_limits_of_a_container_count_in_version_1(root):
    files = {
        "cpu__cpu--cfs_quota_us": "400000",
        "cpu__cpu--cfs_period_us": "100000",
        "memory__memory--limit_in_bytes": "9223372036854771712",
        "memory__box__memory--limit_in_bytes": str(GIB),
    }
    control_group(root, "8:memory:/box\n3:cpu,cpuacct:/elsewhere\n1:name=systemd:/\n", **files)
    found = host.measure(root, root)
    assert (found.millicores, found.memory) == (4000, GIB)


def test_no_quota_in_version_1_is_no_limit(root):
    control_group(root, "3:cpu:/\n", **{"cpu__cpu--cfs_quota_us": "-1", "cpu__cpu--cfs_period_us": "100000"})
    assert host.measure(root, root).millicores == 8000


def test_the_system_keeps_its_share():
    small = host.HostFigures(millicores=1000, memory=GIB, disk=GIB)
    large = host.HostFigures(millicores=64_000, memory=256 * GIB, disk=GIB)
    assert (small.usable_millicores, small.usable_memory) == (950, GIB - 256 * MIB)
    assert large.usable_memory == 256 * GIB - round(256 * GIB * 0.05)


def test_free_disk_is_rounded_down_so_that_machine_types_stay(root, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100 * GIB))
    assert host.measure(root, root).disk == 64 * GIB


def test_a_state_folder_that_is_not_there_yet_is_measured_where_it_will_be(root):
    assert host.measure(root / "a" / "b", root).disk >= 0


class Nvml:
    """NVML as its Python module shows it: handles, bytes or text, sizes in a structure."""

    def __init__(self, *names, memory=24 * GIB, as_bytes=False):
        self.names, self.memory, self.as_bytes, self.closed = names, memory, as_bytes, 0

    def nvmlInit(self):  # noqa: N802
        if not self.names:
            raise RuntimeError("Driver Not Loaded")

    def nvmlShutdown(self):  # noqa: N802
        self.closed += 1

    def nvmlDeviceGetCount(self):  # noqa: N802
        return len(self.names)

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle):  # noqa: N802
        return self.names[handle].encode() if self.as_bytes else self.names[handle]

    def nvmlDeviceGetUUID(self, handle):  # noqa: N802
        return f"GPU-{handle}".encode() if self.as_bytes else f"GPU-{handle}"

    def nvmlDeviceGetMemoryInfo(self, handle):  # noqa: N802
        return SimpleNamespace(total=self.memory)


@pytest.mark.parametrize("as_bytes", [False, True])
def test_gpus_are_found_one_by_one_with_model_and_memory(monkeypatch, as_bytes):
    nvml = Nvml("NVIDIA L4", "NVIDIA A100-SXM4-40GB", as_bytes=as_bytes)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert host.gpu_devices() == (
        host.GpuDevice(0, "GPU-0", "L4", 24 * GIB),
        host.GpuDevice(1, "GPU-1", "A100", 24 * GIB),
    )
    assert nvml.closed == 1


def test_without_a_driver_there_are_no_gpus(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", Nvml())
    assert host.gpu_devices() == ()


def test_without_the_package_there_are_no_gpus(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert host.gpu_devices() == ()


@pytest.mark.parametrize(
    ("told", "sold"),
    [
        ("Tesla T4", "T4"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H200", "H200"),
        ("NVIDIA A10G", "A10G"),
        ("NVIDIA GeForce RTX 4090", "RTX4090"),
        ("NVIDIA RTX A6000", "A6000"),
        ("Tesla V100-SXM2-16GB", "V100"),
    ],
)
def test_models_are_called_as_clouds_call_them(told, sold):
    assert host.model_name(told) == sold
