"""Every provider of ours against the whole suite; `--cloud NAME`, as often as wanted, picks among them.

A folder is a cloud. What its suites have in common is a class to inherit from beside the suite's own, such as `OnAws`: a
fixture of a conftest would be hidden by the suite's. What a cloud may lack stands in may_lack.toml: a promise that is skipped
for any other reason fails.
"""

import tomllib
from pathlib import Path

import pytest

from cloudlayer.testing import skips
from tests import conftest as tests_conftest

HERE = Path(__file__).parent
CLOUDS = tuple(sorted(path.parent.name for path in HERE.glob("*/test_provider.py")))
MAY_LACK = tomllib.loads((HERE / "may_lack.toml").read_text())


def pytest_addoption(parser):
    parser.addoption("--cloud", action="append", choices=CLOUDS, help="a cloud to hold the suite against (default: all)")


def pytest_ignore_collect(collection_path, config):
    wanted = config.getoption("cloud", None)
    other = collection_path.parent == HERE and collection_path.name in CLOUDS and collection_path.name not in (wanted or CLOUDS)
    return True if other else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    cloud = item.path.relative_to(HERE).parts[0]
    if report.skipped and not hasattr(report, "wasxfail") and not _absent(item):
        reason = report.longrepr[2]
        if not may_skip(cloud, item.cls, reason):
            report.outcome = "failed"
            report.longrepr = f"{cloud} may not skip this: add it to {HERE.name}/may_lack.toml, or mend it: {reason}"
    return report


def may_skip(cloud, suite, reason):
    """Whether a suite against a cloud may leave a promise out for this reason."""
    parsed = skips.parse(reason)
    if parsed is None:
        return False
    what, name, _ = parsed
    allowed = MAY_LACK.get(cloud, {})
    listed = [*allowed.get(what, []), *allowed.get(getattr(suite, "__name__", ""), {}).get(what, [])]
    return what == "present" or name in listed or name.partition("(")[0] in listed


def _absent(item):
    """Whether the test needs something beside this machine that is not there."""
    return any(item.get_closest_marker(name) and tests_conftest.missing(name) for name in tests_conftest.NEEDS)
