"""Requirements are installed once, from where the user says, and faults are told without secrets."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.requirements import requirements_folder


def wheel(folder: Path, name: str = "thing") -> None:
    """A wheel of one module with `value = 5`."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        about = f"{name}-1.0.dist-info"
        archive.writestr(f"{name}.py", "value = 5\n")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", f"{name}.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    wheel(tmp_path / "wheels")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "requirements.txt").write_text("thing==1.0\n")
    return folder


def test_they_are_installed_once_and_can_be_read_by_all(source: Path, tmp_path: Path) -> None:
    made = requirements_folder(source, tmp_path / "cache")
    assert made is not None
    assert (made / "thing.py").read_text() == "value = 5\n"
    assert {path.stat().st_mode & 0o777 for path in (made, made / "thing.py")} == {0o755, 0o644}
    (tmp_path / "wheels" / "thing-1.0-py3-none-any.whl").unlink()
    assert requirements_folder(source, tmp_path / "cache") == made


@pytest.mark.parametrize("text", [None, "", "# nothing\n\n"])
def test_nothing_required_is_nothing_installed(source: Path, tmp_path: Path, text: str | None) -> None:
    (source / "requirements.txt").unlink()
    if text is not None:
        (source / "requirements.txt").write_text(text)
    assert requirements_folder(source, tmp_path / "cache") is None
    assert not (tmp_path / "cache").exists()


def test_files_of_the_source_can_be_required_and_belong_to_their_folder(source: Path, tmp_path: Path) -> None:
    (source / "requirements.txt").write_text("./local-1.0-py3-none-any.whl\n")
    wheel(source, "local")
    other = tmp_path / "other"
    other.mkdir()
    (other / "requirements.txt").write_text("./local-1.0-py3-none-any.whl\n")
    wheel(other, "local")
    first, second = (requirements_folder(folder, tmp_path / "cache") for folder in (source, other))
    assert first != second


def test_what_cannot_be_installed_is_told_with_pips_words_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    (source / "requirements.txt").write_text("nowhere-to-be-found==9\n")
    with pytest.raises(EngineError, match=r"requirements\.txt cannot be installed; mend it.*nowhere-to-be-found==9") as told:
        requirements_folder(source, tmp_path / "cache")
    assert "\n" not in str(told.value)
    assert [path.suffix for path in (tmp_path / "cache" / "requirements").iterdir()] == [".lock"]


def test_no_secret_of_an_index_is_told(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_RETRIES", "0")
    (source / "requirements.txt").write_text("https://user:hunter2@127.0.0.1:1/thing-1.0-py3-none-any.whl\n")
    with pytest.raises(EngineError) as told:
        requirements_folder(source, tmp_path / "cache")
    assert "hunter2" not in str(told.value)


def test_no_key_of_the_controllers_reaches_pip(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cloudlayer.runtime import requirements

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("CLOUDLAYER_API_KEY", "s")
    passed = requirements._environment()
    assert not {"AWS_SECRET_ACCESS_KEY", "CLOUDLAYER_API_KEY"} & passed.keys()
    assert {"PIP_NO_INDEX", "PATH"} <= passed.keys()


def test_what_a_killed_installation_left_is_cleared_by_the_next(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloudlayer.runtime import requirements

    pip = requirements._pip
    if not (child := os.fork()):
        monkeypatch.setattr(requirements, "_pip", lambda *arguments: [pip(*arguments), os._exit(9)])
        requirements_folder(source, tmp_path / "cache")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert list((tmp_path / "cache" / "requirements").glob(".new-*"))
    assert requirements_folder(source, tmp_path / "cache") is not None
    assert list((tmp_path / "cache" / "requirements").glob(".new-*")) == []


def test_a_deadline_ends_an_installation(source: Path, tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="requirements"):
        requirements_folder(source, tmp_path / "cache", Deadline.after(0.01))
    assert requirements_folder(source, tmp_path / "cache") is not None
