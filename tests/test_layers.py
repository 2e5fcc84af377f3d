"""What the import lint cannot say: which parts of the standard library, and of anything else, a room may use."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cloudlayer"
WORKER = sorted((PACKAGE / "runtime" / "worker").rglob("*.py"))
ROUTER = sorted((PACKAGE / "runtime" / "router").rglob("*.py"))
DECIDERS = [path for room in ("scheduler", "scaling") for path in sorted((PACKAGE / room).rglob("*.py"))]
WORLDLY = {
    "asyncio",
    "datetime",
    "http",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "shutil",
    "socket",
    "subprocess",
    "time",
    "uuid",
}


def imported(path):
    """(module, line) of every import in a file, those inside of functions included; those for type checkers left out."""
    found = []
    for node in ast.walk(without_type_checking(ast.parse(path.read_text()))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(("." * node.level + (node.module or ""), node.lineno))
    return found


def without_type_checking(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    return tree


def place(path):
    return str(path.relative_to(PACKAGE))


def test_there_is_something_to_look_at():
    assert len(WORKER) > 1
    assert len(ROUTER) > 1
    assert len(DECIDERS) > 2


@pytest.mark.parametrize("path", WORKER, ids=place)
def test_the_worker_imports_the_standard_library_and_its_own_files_alone(path):
    """It is copied into containers, where nothing else is installed; its files stand in one folder there."""
    siblings = {other.stem for other in WORKER}
    strangers = [
        f"{path.name}:{line}: {name}" for name, line in imported(path) if not is_standard(name) and not is_own(name, siblings)
    ]
    assert strangers == []


@pytest.mark.parametrize("path", ROUTER, ids=place)
def test_the_router_imports_the_standard_library_the_worker_and_its_own_files_alone(path):
    """It is copied into an image together with the worker, beside which it stands there."""
    own = {f".{other.stem}" for other in ROUTER} | {f"..worker.{other.stem}" for other in WORKER} | {"."}
    strangers = [f"{path.name}:{line}: {name}" for name, line in imported(path) if not is_standard(name) and name not in own]
    assert strangers == []


def is_standard(name):
    return name.partition(".")[0] in sys.stdlib_module_names


def is_own(name, siblings):
    return name.removeprefix("cloudlayer.runtime.worker").lstrip(".").partition(".")[0] in siblings | {""}


@pytest.mark.parametrize("path", DECIDERS, ids=place)
def test_those_who_decide_touch_no_clock_no_chance_and_no_outside(path):
    assert [f"{path.name}:{line}: {name}" for name, line in imported(path) if name.partition(".")[0] in WORLDLY] == []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=place)
def test_no_file_is_too_long_to_read_at_once(path):
    assert len(path.read_text().splitlines()) <= 400
