"""Why a replica ended is told exactly."""

from pathlib import Path

import pytest

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import ReplicaExit, ReplicaState

MIB = 1024**2
EAT = "data = bytearray(300 * 1024 * 1024)"


def test_one_that_takes_more_memory_than_it_may_is_out_of_memory(fleet, engine):
    ended = fleet.provoke(engine, EAT)
    assert ended.exit is ReplicaExit.OUT_OF_MEMORY
    assert f"{96 * MIB} bytes" in ended.message


def test_one_whose_child_takes_too_much_and_that_gives_up_is_out_of_memory(fleet, engine):
    code = f"import os\nif os.fork() == 0:\n    {EAT}\n    os._exit(0)\nos.wait()\nos._exit(4)"
    assert fleet.provoke(engine, code).exit is ReplicaExit.OUT_OF_MEMORY


def test_out_of_memory_is_seen_where_the_engine_sets_no_flag_for_a_child(fleet, engine):
    ended = fleet.provoke(engine, EAT)
    container = engine._client.inspect_container(ended.handle)
    container["State"]["OOMKilled"] = False
    assert engine._replicas._ran_out_of_memory(container)


def test_files_in_tmp_count_as_memory_and_end_at_the_size_of_the_disk(fleet, engine):
    status = fleet.ready(engine, disk=8 * MIB)
    written = fleet.look(status, FILL)
    assert written <= 8 * MIB


FILL = """
import os
result = 0
file = os.open("/tmp/full", os.O_CREAT | os.O_WRONLY)
try:
    while result < 32 * 1024 * 1024:
        result += os.write(file, bytes(1024 * 1024))
except OSError:
    pass
"""


@pytest.mark.parametrize(
    ("code", "message"), [("import os; os._exit(0)", "code 0"), ("import os; os.kill(os.getpid(), 11)", "signal 11")]
)
def test_one_that_ends_by_itself_crashed(fleet, engine, code, message):
    ended = fleet.provoke(engine, code)
    assert ended.exit is ReplicaExit.CRASHED
    assert message in ended.message


def test_one_that_cannot_load_says_why(fleet, engine, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "broken.py").write_text("import no_such_module\n\ndef apply(input):\n    return input\n")
    ended = fleet.ended(engine, source=source)
    assert ended.exit is ReplicaExit.FAILED_TO_LOAD
    assert "no_such_module" in ended.message


def test_an_image_whose_program_is_not_there_says_so(fleet, engine, image):
    ended = fleet.ended(engine, image=image('CMD ["/no/such/program"]'))
    assert ended.exit is ReplicaExit.CRASHED
    assert "/no/such/program" in ended.message


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="there are GPUs")
def test_one_that_cannot_be_started_leaves_nothing_and_says_what_to_install(fleet, engine):
    spec = fleet.spec(devices=(0,))
    for _ in range(2):
        with pytest.raises(EngineError, match="NVIDIA container toolkit"):
            engine.start(spec)
        assert engine.list() == []
    assert engine.start(fleet.spec(id=spec.id)).state is not ReplicaState.EXITED
