"""What a machine lacks skips tests with the reason, and fails them where CLOUDLAYER_REQUIRE has it."""

import os
import subprocess
import sys

WITHOUT_ENGINE = {"DOCKER_HOST": "unix:///nowhere"}
TEST = "tests/runtime/docker/test_replicas.py::test_a_started_replica_becomes_ready_and_answers"


def run(**settings):
    kept = {name: value for name, value in os.environ.items() if name not in ("CLOUDLAYER_REQUIRE", "DOCKER_HOST")}
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", TEST]
    return subprocess.run(command, env={**kept, **settings}, capture_output=True, text=True, check=False)


def test_without_an_engine_tests_of_docker_skip_and_say_how_to_start_one():
    done = run(**WITHOUT_ENGINE)
    assert done.returncode == 0
    assert "1 skipped" in done.stdout
    assert "engine-up.sh" in done.stdout


def test_what_is_required_and_absent_fails():
    done = run(**WITHOUT_ENGINE, CLOUDLAYER_REQUIRE="docker")
    assert done.returncode == 1
    assert "CLOUDLAYER_REQUIRE has docker, but no Docker Engine answers" in done.stdout


def test_a_name_that_no_test_knows_is_an_error():
    done = run(CLOUDLAYER_REQUIRE="dokcer")
    assert done.returncode != 0
    assert "dokcer" in done.stdout + done.stderr
