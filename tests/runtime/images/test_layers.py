"""What changes least lies lowest in an image, so that the next version sends little."""

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.runtime.docker.build import Base, dockerfile, large_files, write_context

MIB = 2**20


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """`source({name: size})`: a folder with files of these sizes, which take no room."""

    def make(sizes):
        folder = tmp_path_factory.mktemp("source")
        for name, size in sizes.items():
            with (folder / name).open("wb") as file:
                file.truncate(size)
        return folder

    return make


def names(layers):
    return [[str(path) for path in layer] for layer in layers]


def test_very_large_files_lie_alone_and_lowest_then_the_large_ones(source):
    folder = source({"main.py": 100, "a.bin": 40 * MIB, "b.bin": 90 * MIB, "words": 2 * MIB, "more": 3 * MIB})
    assert names(large_files(folder)) == [["b.bin"], ["a.bin"], ["more", "words"]]


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.sampled_from([0, 100, MIB, 5 * MIB, 32 * MIB, 64 * MIB]), max_size=15))
def test_each_file_is_in_one_layer_and_layers_are_few(source, sizes):
    folder = source({f"file{number}": size for number, size in enumerate(sizes)})
    apart = [name for layer in names(large_files(folder)) for name in layer]
    assert sorted(apart) == sorted(f"file{number}" for number, size in enumerate(sizes) if size >= MIB)
    assert len(large_files(folder)) <= 7


def test_code_comes_after_all_that_is_large():
    lines = dockerfile("base", Base("3.11", False, "/packages"), requirements=True, large=2).splitlines()
    copies = [line.split()[1] for line in lines if line.startswith("COPY")]
    assert copies == ["packages", "worker", "large0", "large1", "function"]


def test_packages_are_compiled_below_the_code():
    lines = dockerfile("base", Base("3.11", False, "/packages"), requirements=True).splitlines()
    compiled = [number for number, line in enumerate(lines) if line.startswith("RUN")]
    assert compiled[0] < lines.index("COPY function ./") < compiled[1]


def test_the_context_has_every_file_once(source):
    folder, target = source({"main.py": 10, "weights": 2 * MIB}), io.BytesIO()
    write_context(target, "FROM x", folder, None)
    target.seek(0)
    with tarfile.open(fileobj=target) as archive:
        files = [name for name in archive.getnames() if "main.py" in name or "weights" in name]
    assert sorted(files) == ["function/main.py", "large0/weights"]
