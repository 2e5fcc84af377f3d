"""What a bare machine is told: the same each time, small enough for every cloud, and no secret but the one that is replaced."""

import shutil
import subprocess

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.runtime.bootstrap import Boot, user_data
from cloudlayer.runtime.bootstrap.user_data import machine_file

PRIVATE = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{'b3BlbnNza' * 44}\n-----END OPENSSH PRIVATE KEY-----\n"
BOOT = Boot("ssh-ed25519 AAAAfleet", PRIVATE, "ssh-ed25519 AAAAhost")
SMALLEST_LIMIT = 16 * 1024
"""EC2's, the least of all clouds'."""


def read(boot):
    text = user_data(boot)
    assert text.startswith("#cloud-config\n")
    return yaml.safe_load(text)


def written(boot):
    return {one["path"]: one for one in read(boot)["write_files"]}


def test_the_same_boot_gives_the_same_bytes():
    assert user_data(BOOT) == user_data(Boot("ssh-ed25519 AAAAfleet", PRIVATE, "ssh-ed25519 AAAAhost"))


def test_it_fits_into_the_smallest_clouds_limit_with_all_that_can_be_asked_for():
    networks = tuple(f"fd00:1234:5678:{number:x}::/64" for number in range(100))
    whole = Boot(f"ssh-ed25519 {'A' * 68}", PRIVATE, f"ssh-ed25519 {'A' * 68}", networks, expiry=7200)
    assert len(user_data(whole).encode()) < SMALLEST_LIMIT


def test_one_user_is_let_in_by_the_fleets_key_alone():
    config = read(BOOT)
    (user,) = config["users"]
    assert user["name"] == "cloudlayer"
    assert user["ssh_authorized_keys"] == ["ssh-ed25519 AAAAfleet"]
    assert (user["lock_passwd"], config["ssh_pwauth"], config["disable_root"]) == (True, False, True)
    assert "PasswordAuthentication no" in written(BOOT)["/etc/ssh/sshd_config.d/10-cloudlayer.conf"]["content"]


def test_the_machine_proves_itself_by_the_key_that_it_was_given():
    keys = read(BOOT)["ssh_keys"]
    assert keys == {"ed25519_private": PRIVATE, "ed25519_public": "ssh-ed25519 AAAAhost"}


def test_a_host_key_is_no_part_of_what_is_shown():
    assert "PRIVATE" not in repr(BOOT)


def test_a_machine_ends_itself_only_where_that_was_asked_for():
    assert not any("expiry" in path for path in written(BOOT))
    files = written(Boot("k", PRIVATE, "h", expiry=7199.5))
    assert files["/etc/cloudlayer/expiry"]["content"] == "7200\n"
    assert "/etc/systemd/system/cloudlayer-expiry.timer" in files


@pytest.mark.parametrize("name", ["setup.sh", "firewall.sh", "expiry.sh", "probe.sh"])
def test_the_scripts_are_ones_of_plain_sh(name):
    text = machine_file(name)
    for shell in ("dash", "bash"):
        if shutil.which(shell):
            subprocess.run([shell, "-n"], input=text.encode(), check=True)


def test_docker_starts_only_after_the_firewall():
    unit = written(BOOT)["/etc/systemd/system/docker.service.d/cloudlayer.conf"]["content"]
    assert "Requires=cloudlayer-firewall.service" in unit


@settings(deadline=None, max_examples=25)
@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"])), st.lists(st.just("10.0.0.0/8"), max_size=3))
def test_whatever_a_key_is_called_the_document_says_it(comment, networks):
    key = f"ssh-ed25519 AAAA {comment}"
    config = read(Boot(key, PRIVATE, "ssh-ed25519 B", tuple(networks)))
    assert config["users"][0]["ssh_authorized_keys"] == [key]
    assert config["write_files"][0]["content"] == "10.0.0.0/8\n" * len(networks)
