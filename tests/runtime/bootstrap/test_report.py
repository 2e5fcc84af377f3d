"""What a machine tells of itself is read as it is, and what is no report as nothing."""

import subprocess

from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.runtime.bootstrap import PROBE, Report, read_report
from cloudlayer.units import MIB


def test_a_machine_with_gpus_is_read():
    text = (
        "finished yes\nbooted yes\ndocker 27.5.1\nruntimes io.containerd.runc.v2 nvidia runc \n"
        "gpu 81559 NVIDIA H100 80GB HBM3\ngpu 81559 NVIDIA H100 80GB HBM3\ncores 26\nmemory 231000000\ndisk 90000000\n"
    )
    report = read_report(text)
    assert report.gpus == (("NVIDIA H100 80GB HBM3", 81559 * MIB),) * 2
    assert (report.docker, report.gpu_runtime, report.setting_up, report.failed) == ("27.5.1", True, False, "")
    assert (report.cores, report.memory, report.disk) == (26, 231000000 * 1024, 90000000 * 1024)


def test_one_that_is_being_set_up_has_not_failed_whatever_cloud_inits_status_is_meanwhile():
    assert read_report("booted no\ncores 2\n").setting_up


def test_one_whose_set_up_ended_without_its_marker_has_failed():
    assert "ended before" in read_report("finished yes\nbooted no\n").failed
    report = read_report("booted no\nfailed installing docker.io\n")
    assert (report.failed, report.setting_up) == ("installing docker.io", False)


def test_one_that_our_user_data_did_not_set_up_is_asked_for_its_engine_alone():
    report = read_report("docker 20.10.24\ncores 4\n")
    assert (report.setting_up, report.failed, report.docker) == (False, "", "20.10.24")


def test_an_engine_or_a_driver_that_only_complains_is_not_there():
    report = read_report("docker Cannot connect to the Docker daemon\ngpu No devices were found\n")
    assert (report.docker, report.gpus) == (None, ())


def test_the_probe_tells_of_this_very_machine():
    report = read_report(subprocess.run(["sh", "-s"], input=PROBE, capture_output=True, text=True, check=True).stdout)
    assert report.cores
    assert report.memory
    assert not report.setting_up


@given(st.text())
def test_what_is_no_report_says_nothing_and_breaks_nothing(text):
    assert isinstance(read_report(text), Report)
