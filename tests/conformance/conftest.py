"""Every provider of ours against the whole suite; `--cloud NAME`, as often as wanted, picks among them.

A folder is a cloud. What its suites have in common is a class to inherit from beside the suite's own, such as `OnAws`: a
fixture of a conftest would be hidden by the suite's. In `objects` a file is a store. What a cloud or store may lack stands in
may_lack.toml: a promise that is skipped for any other reason fails.
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
    if not wanted or collection_path.parent != HERE or not collection_path.is_dir():
        return None
    return True if collection_path.name not in wanted else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    cloud = subject(item)
    if report.skipped and not hasattr(report, "wasxfail") and not _absent(item):
        reason = report.longrepr[2]
        if not may_skip(cloud, item.cls, reason):
            report.outcome = "failed"
            report.longrepr = f"{cloud} may not skip this: add it to {HERE.name}/may_lack.toml, or mend it: {reason}"
    return report


def pytest_collection_modifyitems(items):
    """What an emulator does wrong fails its promise until it is mended there: `faulty` of may_lack.toml says what and why."""
    for item in items:
        if HERE in item.path.parents:
            faulty = dict(allowed(subject(item), item.cls, "faulty"))
            if reason := faulty.get(getattr(item, "originalname", "")) or faulty.get(item.name):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def subject(item):
    """The cloud or the store that a test is about."""
    place = item.path.relative_to(HERE)
    return place.stem.removeprefix("test_") if place.parts[0] == "objects" else place.parts[0]


def allowed(cloud, suite, what):
    """What may_lack.toml has for a suite against a cloud: names, or pairs of a name and its reason."""
    of_cloud = MAY_LACK.get(cloud, {})
    of_suite = of_cloud.get(getattr(suite, "__name__", ""), {})
    found = [part.get(what, []) for part in (of_cloud, of_suite)]
    return [entry for part in found for entry in (part.items() if isinstance(part, dict) else part)]


def may_skip(cloud, suite, reason):
    """Whether a suite against a cloud may leave a promise out for this reason."""
    parsed = skips.parse(reason)
    if parsed is None:
        return False
    what, name, _ = parsed
    listed = allowed(cloud, suite, what)
    return what == "present" or name in listed or name.partition("(")[0] in listed


def _absent(item):
    """Whether the test needs something beside this machine that is not there."""
    return any(item.get_closest_marker(name) and tests_conftest.missing(name) for name in tests_conftest.NEEDS)
