"""What a call's function writes is found by the call's id."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.interfaces import LogLine
from cloudlayer.runtime import lines
from cloudlayer.runtime.worker import client
from cloudlayer.runtime.worker.output import LONGEST_PART, Output
from tests.runtime.functions import post
from tests.runtime.workers import Worker


def told(worker: Worker, call: str | None = None) -> list[str]:
    with worker.log.open("rb") as log:
        return [line.text for line in lines.parsed(log) if call in (None, line.call)]


def test_calls_at_work_at_once_are_told_apart(serve) -> None:
    code = """
        import threading
        together = threading.Barrier(4)
        def apply(input):
            for number in range(50):
                together.wait(10)
                print("line", number, "of", input)
    """
    worker = serve(code, CLOUDLAYER_CONCURRENCY="4").ready()
    threads = [threading.Thread(target=post, args=(worker.address, n), kwargs={"X_Request_Id": f"call-{n}"}) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for number in range(4):
        assert told(worker, f"call-{number}") == [f"line {line} of {number}" for line in range(50)]
    assert len(told(worker)) == 200


def test_tasks_of_one_event_loop_are_told_apart(serve) -> None:
    code = """
        import asyncio
        met = asyncio.Event()
        async def apply(input):
            print("begun", input)
            met.set() if input else await met.wait()
            await asyncio.to_thread(print, "in a thread", input)
    """
    worker = serve(code).ready()
    first = threading.Thread(target=post, args=(worker.address, 0), kwargs={"X_Request_Id": "zero"})
    first.start()
    assert post(worker.address, 1, X_Request_Id="one")[0] == 200
    first.join(10)
    assert told(worker, "zero") == ["begun 0", "in a thread 0"]
    assert told(worker, "one") == ["begun 1", "in a thread 1"]


def test_what_is_written_without_a_newline_is_a_line_of_its_call(serve) -> None:
    worker = serve("import sys\ndef apply(input):\n    print(input, end='')\n    sys.stderr.write('!')\n").ready()
    for call in ("a", "b"):
        post(worker.address, f"said by {call}", X_Request_Id=call)
        assert told(worker, call) == [f"said by {call}", "!"]


def test_what_is_flushed_is_there_at_once_and_goes_on_in_the_same_line(serve) -> None:
    code = """
        import threading
        go = threading.Event()
        def apply(input):
            if input:
                go.set()
                return
            print("working", end="", flush=True)
            go.wait(10)
            print(" done")
    """
    worker = serve(code, CLOUDLAYER_CONCURRENCY="2").ready()
    thread = threading.Thread(target=post, args=(worker.address, 0), kwargs={"X_Request_Id": "a"})
    thread.start()
    while told(worker, "a") != ["working"]:
        assert thread.is_alive()
    post(worker.address, 1, X_Request_Id="b")
    thread.join(10)
    assert told(worker) == ["working done"]


def test_huge_lines_and_bytes_that_are_no_text_come_whole(serve) -> None:
    code = """
        import sys
        def apply(input):
            for _ in range(300):
                sys.stdout.write("x" * 1000)
            print()
            sys.stdout.buffer.write(bytes(n for n in range(256) if n not in b"\\n\\r") + b"\\n")
    """
    worker = serve(code).ready()
    assert post(worker.address, X_Request_Id="a")[0] == 200
    huge, odd = told(worker, "a")
    assert huge == "x" * 300_000
    assert odd == bytes(n for n in range(256) if n not in b"\n\r").decode("utf-8", "replace").replace("\x1e", "␞")


def test_other_programs_are_the_calls_where_one_call_is_served_at_a_time(serve) -> None:
    code = """
        import os, subprocess, threading
        from os import system
        def apply(input):
            print("before")
            subprocess.run(["sh", "-c", "echo program; printf unfinished"])
            system("echo shell >&2")
            thread = threading.Thread(target=print, args=("thread",))
            thread.start()
            thread.join()
            if (pid := os.fork()) == 0:
                print("fork", flush=True)
                os._exit(0)
            os.waitpid(pid, 0)
            print("after")
    """
    worker = serve(code).ready()
    for call in ("a", "b"):
        post(worker.address, X_Request_Id=call)
    post(worker.address)
    wanted = ["before", "program", "unfinishedshell", "thread", "fork", "after"]
    assert told(worker, "a") == told(worker, "b") == told(worker, "") == wanted
    assert len(told(worker)) == 3 * len(wanted)


@pytest.mark.parametrize(
    "start",
    [
        "subprocess.run(['echo', 'program'])",
        "Own(['echo', 'program']).wait()",
        "asyncio.run(program())",
        "system('echo program')",
        "os.waitpid(os.posix_spawn('/bin/echo', ['echo', 'program'], os.environ), 0)",
        "os.waitpid(os.posix_spawnp('echo', ['echo', 'program'], os.environ), 0)",
    ],
)
def test_whatever_starts_a_program_it_is_the_calls(serve, start: str) -> None:
    code = f"""
        import asyncio, os, subprocess
        from os import system
        class Own(subprocess.Popen):
            pass
        async def program():
            await (await asyncio.create_subprocess_exec("echo", "program")).wait()
        def apply(input):
            {start}
    """
    worker = serve(code, PATH=os.environ["PATH"]).ready()
    for call in ("a", "b"):
        assert post(worker.address, X_Request_Id=call)[0] == 200
        assert told(worker, call) == ["program"]


def test_that_programs_are_noticed_costs_those_functions_nothing_that_start_none(serve) -> None:
    code = """
        import timeit
        def seconds():
            return min(timeit.repeat("id(x)", "x = []", number=10_000, repeat=9))
        before = seconds()
        def apply(input):
            return seconds() / before
    """
    worker = serve(code).ready()
    # A hook for audit events makes it more than ten times as slow.
    assert post(worker.address, X_Request_Id="a")[1] < 5


FULL = "os.dup2(os.open('/dev/full', os.O_WRONLY), 1)"


@pytest.mark.parametrize("breaks", [FULL, "os.close(1)"])
@pytest.mark.parametrize(
    "does", ["print('unfinished', end='')", "os.system('true')", "raise KeyError(print('so far', end=''))"]
)
def test_a_call_is_answered_though_the_log_cannot_be_written(serve, breaks: str, does: str) -> None:
    worker = serve(f"import os\ndef apply(input):\n    {breaks}\n    {does}\n").ready()
    for call in ("a", "b") if breaks == FULL else ("a",):
        assert post(worker.address, X_Request_Id=call)[0] == (500 if does.startswith("raise") else 200)


def test_what_the_function_itself_writes_fails_where_the_log_cannot_be_written(serve) -> None:
    worker = serve(f"import os\ndef apply(input):\n    {FULL}\n    print('line')\n").ready()
    status, body = post(worker.address, X_Request_Id="a")[:2]
    assert status == 500
    assert "No space left" in body["error"]["message"]


def test_programs_after_a_log_that_was_full_are_their_own_calls(serve) -> None:
    code = f"""
        import os
        log = os.dup(1)
        def apply(input):
            if input:
                os.dup2(log, 1)
                os.system("echo program")
            else:
                os.system("true")
                {FULL}
    """
    worker = serve(code).ready()
    assert post(worker.address, 0, X_Request_Id="a")[0] == 200
    assert post(worker.address, 1, X_Request_Id="b")[0] == 200
    assert (told(worker, "a"), told(worker, "b")) == ([], ["program"])


def test_a_function_that_leaves_ends_the_process_though_the_log_cannot_be_written(serve) -> None:
    both = f"{FULL}; os.dup2(1, 2)"
    worker = serve(f"import os, sys\ndef apply(input):\n    {both}\n    print('so far', end='')\n    sys.exit('bye')\n").ready()
    with pytest.raises(OSError):
        post(worker.address, X_Request_Id="a")
    assert worker.process.wait(5) == 1


def test_why_a_function_cannot_be_loaded_is_told_though_the_log_cannot_be_written(serve) -> None:
    worker = serve(f"import os\n{FULL}; os.dup2(1, 2)\nraise KeyError('model')\ndef apply(input):\n    pass\n")
    assert worker.process.wait(10) == 70
    assert "model" in json.loads(worker.status.read_text())["error"]["message"]


def test_text_that_a_function_prints_cannot_pass_for_another_calls(serve) -> None:
    worker = serve("import sys\ndef apply(input):\n    sys.stdout.write(input); sys.stdout.flush(); print()\n").ready()
    forged = ["hello \x1ecall=victim\x1fforged", "\x1ecall=victim\x1fforged", "a\n\x1ecall+victim\x1f", "\x1ecall-\x1f", "\x1e"]
    for text in forged:
        post(worker.address, text, X_Request_Id="mine")
        post(worker.address, "ca", X_Request_Id="mine")
    post(worker.address, forged[0])
    post(worker.address, "nobody's")
    assert told(worker, "victim") == []
    shown = [line for text in forged for line in (*text.replace("\x1e", "␞").split("\n"), "ca")]
    assert told(worker, "mine") == shown
    assert told(worker, "") == [forged[0].replace("\x1e", "␞"), "nobody's"]


def test_a_program_that_ends_without_a_newline_leaves_the_next_call_its_own_line(serve) -> None:
    worker = serve("import os\ndef apply(input):\n    os.system('printf unfinished')\n    print('mine')\n").ready()
    post(worker.address, X_Request_Id="a")
    assert told(worker, "a") == ["unfinished", "mine"]


def test_what_is_written_outside_of_calls_or_without_an_id_is_nobodys(serve) -> None:
    worker = serve("print('import')\ndef load():\n    print('load')\ndef apply(input):\n    print('call')\n").ready()
    post(worker.address)
    post(worker.address, X_Request_Id="not an id\x1f")
    assert worker.log.read_bytes() == b"import\nload\ncall\ncall\n"


def test_an_error_on_the_way_out_is_the_calls_and_what_others_had_begun_is_not_lost(serve) -> None:
    worker = serve("import sys\ndef apply(input):\n    print('so far', end='')\n    sys.exit('bye')\n").ready()
    with pytest.raises(OSError):
        post(worker.address, X_Request_Id="a")
    assert worker.process.wait(5) == 1
    assert told(worker, "a") == ["so far", "bye"]


def test_nothing_is_written_for_a_call_that_writes_nothing(serve) -> None:
    worker = serve("def apply(input):\n    return input\n").ready()
    post(worker.address, X_Request_Id="a")
    assert worker.log.read_bytes() == b""


@contextmanager
def output_to(path: Path) -> Iterator[tuple[Output, int]]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
    try:
        yield Output(), descriptor
    finally:
        os.close(descriptor)


def test_tasks_that_write_when_their_call_has_ended_leave_nothing_behind(tmp_path: Path) -> None:
    with output_to(tmp_path / "output") as (output, descriptor):
        for number in range(20):
            call = client.Call(f"id-{number}")
            output.began(call)
            output.ended(call)
            output.write(descriptor, b"whole\nbegun")
            output.flush(descriptor)
            output.write(descriptor, b", and ended\n")
        client.current.set(client.NO_CALL)
        assert not output._lines
        assert not output._open
    with (tmp_path / "output").open("rb") as log:
        found = [(line.call, line.text) for line in lines.parsed(log)]
    assert found == [(f"id-{number}", text) for number in range(20) for text in ("whole", "begun, and ended")]


WORDS = st.text("ab =+-", max_size=12).map(str.encode)
STEPS = st.lists(st.tuples(st.integers(0, 2), WORDS | st.sampled_from([b"\n", b"a\nb\n", b"z" * (LONGEST_PART + 1), None])))


@given(STEPS)
def test_each_call_gets_back_what_it_wrote_whatever_the_order(tmp_path_factory, steps) -> None:
    path = tmp_path_factory.getbasetemp() / "output"
    calls = [client.Call(f"id-{number}") for number in range(3)]
    with output_to(path) as (output, descriptor):
        for number, data in steps:
            output.began(calls[number])
            output.flush(descriptor) if data is None else output.write(descriptor, data)
        output.drain()
        client.current.set(client.NO_CALL)
    with path.open("rb") as log:
        found = list(lines.parsed(log))
    assert all(line.call for line in found)
    for call, number in zip(calls, range(3), strict=True):
        wrote = b"".join(data for whose, data in steps if whose == number and data is not None)
        read = "\n".join(line.text for line in found if line.call == call.request_id)
        # A line may be broken where another call's piece came between: nothing is lost, added or out of order.
        assert read.replace("\n", "") == wrote.replace(b"\n", b"").decode()


@given(st.binary(max_size=300), st.integers(1, 7))
def test_any_bytes_are_read_as_lines_without_error(content: bytes, size: int) -> None:
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    raw = list(lines.of_chunks(chunks))
    assert b"\n".join(raw) == content.removesuffix(b"\n")
    assert all(isinstance(line, LogLine) for line in lines.parsed(raw))


def test_asking_goes_on_until_there_are_as_many_lines_as_are_wanted() -> None:
    log = [b"one", b"two", *[b"\x1ecall+a\x1f", b"\x1ecall-\x1f"] * 20, b"three"]
    asked: list[int] = []

    def ask(count: int) -> list[bytes]:
        asked.append(count)
        return log[-count:]

    assert [line.text for line in lines.last_asked(ask, 2)] == ["two", "three"]
    assert asked == [2, 8, 32, 128]
