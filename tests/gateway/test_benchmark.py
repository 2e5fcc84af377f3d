from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_the_benchmark_prints_the_keys_that_are_promised() -> None:
    short = "import benchmarks.gateway as it, sys; it.ROUNDS = 1; sys.argv[1:] = ['--json', '--seconds', '0.1']; it.main()"
    command = [sys.executable, "-c", short]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], check=True, capture_output=True, text=True, timeout=60)
    results = json.loads(done.stdout)
    assert results.keys() == {"direct", "gateway", "overhead_p50_ms"}
    for name in ("direct", "gateway"):
        assert results[name].keys() == {"1", "32"}
        for figures in results[name].values():
            assert figures.keys() == {"p50_ms", "p99_ms", "requests_per_s", "cpu_us"}
            assert figures["p99_ms"] >= figures["p50_ms"] > 0
