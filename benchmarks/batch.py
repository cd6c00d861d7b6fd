"""How many rows a second a batch prediction takes, and in how much memory.

    python benchmarks/batch.py                                  10 million rows of 20 columns, Parquet and CSV
    python benchmarks/batch.py --rows 1000000 --formats csv     fewer, of one format

Starts a service, trains a model on 20 columns (15 numbers, five of them with holes; three categories; a date and a
whole number), writes the file to disk in parts, and has it predicted from there to there. Memory is that of the worker
and all its processes, by proportional set size (a page that two share counts once), looked at five times a second.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

#: Rows that are made at a time, and rows that are learned from.
PART, LEARNED = 250_000, 5_000

#: Seconds between two looks.
LOOK = 0.2

PARAMETERS = "{pipeline_id: batch, target: label, explain: {rows: 0}, model_training: {model: %s}}"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--formats", nargs="+", default=["parquet", "csv"], choices=["parquet", "csv"])
    parser.add_argument("--model", default="sklearn.ensemble.HistGradientBoostingClassifier")
    arguments = parser.parse_args()
    from conftest import start_service

    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        files = Path(folder) / "files"
        files.mkdir()
        process, service = start_service(Path(folder) / "data", BATCH_ALLOWED_URLS=f"file://{files}")
        try:
            train(service, arguments.model)
            print(
                f"{'format':<9}{'rows':>12}{'file MB':>9}{'seconds':>9}{'rows/s':>9}{'before MiB':>12}{'peak MiB':>10}"
            )
            for form in arguments.formats:
                measure(service, psutil.Process(process.pid), files, form, arguments.rows)
        finally:
            process.terminate()
            process.wait()


def train(service: Any, model: str) -> None:
    """Train the model that is measured."""
    frame = next(parts(LEARNED))
    frame["label"] = np.where(frame["n0"] + frame["n1"] * (frame["c0"] == "a") > 0, "yes", "no")
    data = io.BytesIO(frame.to_csv(index=False).encode())
    service.post(
        "/train_pipeline", files={"raw_data": ("rows.csv", data), "params": ("p.yml", PARAMETERS % model)}
    ).raise_for_status()


def parts(n_rows: int) -> Iterator[pd.DataFrame]:
    """Yield rows in parts that are small enough to be held."""
    generator = np.random.default_rng(0)
    for start in range(0, n_rows, PART):
        size = min(PART, n_rows - start)
        frame = pd.DataFrame({f"n{number}": generator.normal(size=size).round(6) for number in range(15)})
        for number in range(10, 15):
            frame.loc[generator.random(size) < 0.1, f"n{number}"] = np.nan
        for number, letters in enumerate(("ab", "abcde", "abcdefghijklmnopqrstuvwxyz")):
            frame[f"c{number}"] = np.array(list(letters))[generator.integers(0, len(letters), size)]
        days = generator.integers(0, 1000, size).astype("timedelta64[D]")
        frame["day"] = np.datetime_as_string(np.datetime64("2024-01-01") + days)
        frame["count"] = generator.integers(0, 100, size)
        yield frame


def write(path: Path, form: str, n_rows: int) -> None:
    """Write a file of rows."""
    writer = None
    with path.open("wb") as file:
        for number, frame in enumerate(parts(n_rows)):
            if form == "csv":
                frame.to_csv(file, index=False, header=number == 0)
                continue
            table = pa.Table.from_pandas(frame, preserve_index=False)
            writer = writer or pq.ParquetWriter(file, table.schema)
            writer.write_table(table)
        if writer is not None:
            writer.close()


def measure(service: Any, supervisor: psutil.Process, folder: Path, form: str, n_rows: int) -> None:
    """Predict one file and print what it took."""
    source = folder / f"rows.{form}"
    write(source, form, n_rows)
    (worker,) = (child for child in supervisor.children() if "app.jobs.worker" in child.cmdline())
    before = peak = memory(worker)
    body = {
        "pipeline_id": "batch",
        "source": f"file://{source}",
        "destination": f"file://{folder}/predicted-{form}.{form}",
    }
    started = time.monotonic()
    accepted = service.post("/batch_predictions", json=body)
    accepted.raise_for_status()
    while True:
        peak = max(peak, memory(worker))
        job = service.get(accepted.headers["Location"]).json()
        if job["state"] not in ("queued", "running"):
            break
        time.sleep(LOOK)
    seconds = time.monotonic() - started
    assert job["state"] == "finished", job["error"]
    assert job["result"]["rows"] == n_rows
    size = source.stat().st_size / 1e6
    print(f"{form:<9}{n_rows:>12,}{size:>9,.0f}{seconds:>9.1f}{n_rows / seconds:>9,.0f}{before:>12.0f}{peak:>10.0f}")
    source.unlink()


def memory(worker: psutil.Process) -> float:
    """Return the mebibytes of a process and those that it has started."""
    total = 0
    for process in (worker, *worker.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 2**20


if __name__ == "__main__":
    main()
