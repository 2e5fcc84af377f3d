"""GPUs are read out of the names of sizes, and of nothing else made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.providers.libcloud.gpus import MODELS, RULES, gpus_of
from cloudlayer.resources import Accelerator
from cloudlayer.units import GIB

KNOWN = [
    ("digitalocean", "gpu-h100x1-80gb", {}, "H100", 80, 1),
    ("digitalocean", "gpu-h100x8-640gb", {}, "H100", 80, 8),
    ("digitalocean", "gpu-h100x8-640gb-contracted", {}, "H100", 80, 8),
    ("digitalocean", "gpu-h200x8-1128gb", {}, "H200", 141, 8),
    ("digitalocean", "gpu-mi300x1-192gb", {}, "MI300X", 192, 1),
    ("digitalocean", "gpu-mi300x8-1536gb", {}, "MI300X", 192, 8),
    ("digitalocean", "gpu-4000adax1-20gb", {}, "RTX-4000-ADA", 20, 1),
    ("digitalocean", "gpu-l40sx1-48gb", {}, "L40S", 48, 1),
    ("linode", "g1-gpu-rtx6000-4", {}, "RTX-6000", 24, 4),
    ("linode", "g2-gpu-rtx4000a2-m", {}, "RTX-4000-ADA", 20, 2),
    ("vultr", "vcg-a100-12c-120g-80vram", {}, "A100-80GB", 80, 1),
    ("vultr", "vcg-a40-96c-480g-192vram", {}, "A40", 48, 4),
    ("vultr", "vcg-a16-2c-8g-2vram", {}, "A16", 2, 1),
    ("vultr", "vbm-64c-2048gb-8-l40-gpu", {}, "L40", 48, 8),
    ("ovh", "l4-180", {}, "L4", 24, 2),
    ("ovh", "h100-1520", {}, "H100", 80, 4),
    ("ovh", "t1-90", {}, "V100", 16, 2),
    ("ovh", "a100-180", {}, "A100-80GB", 80, 1),
    ("scaleway", "H100-2-80G", {}, "H100", 80, 2),
    ("scaleway", "L40S-8-48G", {}, "L40S", 48, 8),
    ("gce", "a2-ultragpu-4g", {}, "A100-80GB", 80, 4),
    ("gce", "g2-standard-48", {}, "L4", 24, 4),
    ("azure_arm", "Standard_NC48ads_A100_v4", {}, "A100-80GB", 80, 2),
    ("ec2", "p4d.24xlarge", {"gpu": "8"}, "A100", 40, 8),
    ("ec2", "g5.12xlarge", {"gpu": "4"}, "A10G", 24, 4),
    ("ec2", "g6e.xlarge", {"gpu": 1}, "L40S", 48, 1),
]
NONE = [
    ("digitalocean", "s-1vcpu-1gb"),
    ("digitalocean", "gpu-unheardofx1-80gb"),
    ("digitalocean", "gpu-h100x0-80gb"),
    ("linode", "g6-standard-2"),
    ("vultr", "vc2-1c-1gb"),
    ("ovh", "b2-7"),
    ("ec2", "m7i.large"),
    ("ec2", "p4d.24xlarge"),
    ("gce", "g2-standard-7"),
    ("nobody", "gpu-h100x1-80gb"),
]


@pytest.mark.parametrize(("driver", "size", "extra", "model", "memory", "count"), KNOWN)
def test_a_known_name_tells_model_memory_and_number(driver, size, extra, model, memory, count):
    assert gpus_of(driver, size, extra) == (Accelerator(model, memory * GIB),) * count


@pytest.mark.parametrize(("driver", "size"), NONE)
def test_what_a_name_does_not_tell_is_not_made_up(driver, size):
    assert gpus_of(driver, size, {}) == ()


@given(st.sampled_from(sorted(RULES)), st.text(alphabet=st.characters(max_codepoint=127), max_size=40))
def test_no_name_breaks_the_reading(driver, size):
    assert all(device.model in MODELS and device.memory > 0 for device in gpus_of(driver, size, {"gpu": "2"}))


@given(
    st.sampled_from(["h100", "h200", "l40s", "mi300", "4000ada"]), st.integers(min_value=1, max_value=16), st.integers(20, 300)
)
def test_devices_share_the_memory_that_a_droplets_name_tells(model, count, each):
    found = gpus_of("digitalocean", f"gpu-{model}x{count}-{count * each}gb", {})
    assert len(found) == count
    assert sum(device.memory for device in found) == count * each * GIB


@given(st.sampled_from(["a16", "a40", "a100", "l40s"]), st.integers(min_value=1, max_value=512))
def test_a_share_of_a_device_is_one_device_with_that_memory(model, memory):
    found = gpus_of("vultr", f"vcg-{model}-1c-6g-{memory}vram", {})
    assert 0 < sum(device.memory for device in found) <= memory * GIB
    assert memory >= MODELS[model.upper()] or len(found) == 1
