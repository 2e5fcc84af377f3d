"""The benchmark of objects measures what it says, at a size that takes seconds."""

import json
import subprocess
import sys


def test_it_tells_rates_and_costs_of_each_client():
    sizes = ("--rounds", "1", "--seconds", "0.2", "--big", "20", "--listed", "2500", "--clients", "cloudlayer,obstore")
    command = [sys.executable, "-m", "benchmarks.objects", "--json", *sizes]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=150)
    results = json.loads(done.stdout)
    assert list(results) == ["cloudlayer", "obstore"]
    for row in results.values():
        for name in ("put_small", "get_small", "put_small_32", "get_small_32"):
            assert row[f"{name}_ops"] > 0
            assert row[f"{name}_cpu_ms"] > 0
        for verb in ("put", "get"):
            assert row[f"{verb}_big_mb_s"] > 0
            assert row[f"{verb}_big_cpu_s_gib"] > 0
        assert row["list_s"] > 0
        assert row["cpu_ms_per_op"] > 0
