"""Tables by blob://: pandas and pyarrow read and write them with no import of ours."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest

from tests.storage.filesystem.places import configured

TABLE = pd.DataFrame({"name": ["a", "b", "ü"], "count": [1, 2, 3], "share": [0.5, 0.25, 0.125]})


@pytest.fixture(autouse=True)
def blob(stores, tmp_path, monkeypatch):
    with configured(stores, tmp_path, monkeypatch):
        yield


def test_pandas_reads_what_it_wrote_as_csv():
    TABLE.to_csv("blob://tables/t.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_csv("blob://tables/t.csv"), TABLE)


def test_pandas_reads_what_it_wrote_as_compressed_csv():
    TABLE.to_csv("blob://tables/t.csv.gz", index=False)
    pd.testing.assert_frame_equal(pd.read_csv("blob://tables/t.csv.gz"), TABLE)


def test_pandas_reads_what_it_wrote_as_parquet():
    TABLE.to_parquet("blob://tables/t.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet("blob://tables/t.parquet"), TABLE)


def test_pandas_reads_columns_of_a_large_parquet_file():
    large = pd.DataFrame({"a": np.arange(1_000_000), "b": np.random.default_rng(7).random(1_000_000)})
    large.to_parquet("blob://tables/large.parquet", row_group_size=100_000)
    pd.testing.assert_frame_equal(pd.read_parquet("blob://tables/large.parquet", columns=["b"]), large[["b"]])


def test_pandas_reads_a_folder_that_it_partitioned():
    TABLE.to_parquet("blob://tables/parted", partition_cols=["name"])
    read = pd.read_parquet("blob://tables/parted").sort_values("count", ignore_index=True)
    assert read["count"].tolist() == [1, 2, 3]
    assert read["name"].tolist() == ["a", "b", "ü"]


def test_pyarrow_makes_a_dataset_of_a_folder_and_reads_it_filtered(fs):
    table = pa.table({"year": [2024, 2025, 2025], "n": [1, 2, 3]})
    partitioning = pa.dataset.partitioning(pa.schema([("year", pa.int64())]), flavor="hive")
    pa.dataset.write_dataset(table, "years", filesystem=fs, format="parquet", partitioning=partitioning)
    assert fs.glob("years/*") == ["years/year=2024", "years/year=2025"]
    read = pa.dataset.dataset("years", filesystem=fs, format="parquet", partitioning=partitioning)
    assert read.to_table(filter=pa.dataset.field("year") == 2025)["n"].to_pylist() == [2, 3]


def test_pyarrow_reads_and_writes_one_file(fs):
    table = pa.table({"n": list(range(1000))})
    pa.parquet.write_table(table, "one.parquet", filesystem=fs)
    assert pa.parquet.read_table("one.parquet", filesystem=fs).equals(table)


def test_a_table_that_is_not_there_is_file_not_found():
    with pytest.raises(FileNotFoundError):
        pd.read_csv("blob://tables/gone.csv")


def test_a_process_that_imports_pandas_alone_reads_blob(stores):
    if stores["blob"]["uri"].startswith("memory:"):
        pytest.skip("memory:// is of one process")
    TABLE.to_csv("blob://t.csv", index=False)
    script = "import pandas; print(pandas.read_csv('blob://t.csv')['count'].sum())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "6"
