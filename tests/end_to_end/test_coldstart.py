"""The benchmark of cold starts prints what it promises, and ends what it started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .deployment import Deployment


def test_the_benchmark_prints_its_figures_and_leaves_nothing(deployment: Deployment) -> None:
    command = [sys.executable, "-m", "benchmarks.coldstart", "--json", "--trials", "1"]
    environment = os.environ | {"TMPDIR": str(deployment.folder)}
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], env=environment, check=True, capture_output=True, text=True, timeout=120
    )
    results = json.loads(done.stdout)
    assert results.keys() == {"process_forked", "process", "docker"}
    for name, figures in results.items():
        if name == "docker" and "skipped" in figures:
            assert figures["skipped"]
        else:
            assert figures.keys() == {"p50_ms", "p99_ms"}
            assert figures["p99_ms"] >= figures["p50_ms"] > 0
    assert list(deployment.folder.iterdir()) == []
    deployment.assert_nothing_runs()
