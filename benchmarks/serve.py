"""How long a warm prediction takes over HTTP: one series and 400, Minimal features, a random forest of 100 trees.

    python benchmarks/serve.py                         starts a service of its own
    python benchmarks/serve.py --host http://…         measures one that runs

Each request is sent as a client of the service would send it, on one kept-alive connection, and timed whole: parsing,
features, prediction, encoding and the way back. Beside each stands the same request to /health/live, which is what HTTP
itself costs here, and the same prediction on the 2017 path re-created with today's libraries, inside this process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import requests

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

#: Rounds that are counted, after the warm-up.
ROUNDS, WARM_UP = 50, 5

PARAMETERS = """
pipeline_id: benchmark-serve
extract_features: {column_id: example_id, default_fc_parameters: MinimalFCParameters()}
model_training: {model: sklearn.ensemble.RandomForestClassifier}
"""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--host", help="a service that runs already")
    parser.add_argument("--api-key")
    arguments = parser.parse_args()
    if arguments.host:
        from conftest import Service

        measure(Service(arguments.host, arguments.api_key))
        return
    from conftest import start_service

    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        process, service = start_service(Path(folder))
        try:
            measure(service)
        finally:
            process.terminate()
            process.wait()


def measure(service: Any) -> None:
    """Train the model, time each kind of request, and delete the model again."""
    frame = pd.read_json(ROOT / "data" / "data_train.json")
    train(service)
    print(f"{'request':<38}{'median ms':>10}{'p95 ms':>9}{'2017 path ms':>14}{'ratio':>8}")
    row("GET /health/live", times(lambda: service.get("/health/live")), None)
    old = path_of_2017(frame)
    for count in (1, 400):
        body = series(frame, count)
        files = {"raw_data": ("data.json", body), "params": ("params.yml", "pipeline_id: benchmark-serve")}
        new = times(lambda files=files: service.post("/serve_prediction", files=files))  # type: ignore[misc]
        row(f"POST /serve_prediction, {count} series", new, times(lambda body=body: old(body)))  # type: ignore[misc]
    service.delete("/models/benchmark-serve").raise_for_status()


def train(service: Any) -> None:
    """Train the forest that is measured."""
    files = {
        "raw_data": (ROOT / "data" / "data_train.json").open("rb"),
        "labels": (ROOT / "data" / "label_train.json").open("rb"),
        "params": ("params.yml", PARAMETERS),
    }
    service.post("/train_pipeline", files=files).raise_for_status()


def series(frame: pd.DataFrame, count: int) -> str:
    """Return a request of `count` series in the layout of 2017; ids beyond those that there are repeat the data."""
    known = frame["example_id"].unique()
    parts = [
        frame[frame["example_id"] == known[number % len(known)]].assign(example_id=number) for number in range(count)
    ]
    return pd.concat(parts, ignore_index=True).to_json()


def path_of_2017(frame: pd.DataFrame) -> Callable[[str], str]:
    """Return how the 2017 service predicted: JSON to frame to tsfresh to forest to JSON, inside one process."""
    from sklearn.ensemble import RandomForestClassifier
    from tsfresh import extract_features
    from tsfresh.feature_extraction import MinimalFCParameters
    from tsfresh.utilities.dataframe_functions import impute

    def features(frame: pd.DataFrame) -> pd.DataFrame:
        return extract_features(
            frame,
            column_id="example_id",
            default_fc_parameters=MinimalFCParameters(),
            impute_function=impute,
            disable_progressbar=True,
        )

    labels = pd.read_json(ROOT / "data" / "label_train.json").set_index("example_id")["label"]
    rows = features(frame)
    forest = RandomForestClassifier(random_state=0).fit(rows, labels.loc[rows.index])

    def predict(body: str) -> str:
        rows = features(pd.DataFrame(json.loads(body)))
        return str(pd.DataFrame({"id": rows.index, "score": forest.predict_proba(rows)[:, 1]}).to_json())

    return predict


def times(call: Callable[[], object]) -> list[float]:
    """Return the milliseconds of each counted call."""
    found = []
    for number in range(WARM_UP + ROUNDS):
        started = time.perf_counter()
        answer = call()
        elapsed = (time.perf_counter() - started) * 1000
        if isinstance(answer, requests.Response):
            answer.raise_for_status()
        if number >= WARM_UP:
            found.append(elapsed)
    return found


def row(name: str, new: list[float], old: list[float] | None) -> None:
    """Print one line of the table; a ratio above 1 says how many times faster than the 2017 path."""
    median, late = statistics.median(new), statistics.quantiles(new, n=20)[-1]
    before = statistics.median(old) if old else None
    beside = f"{before:>14.1f}{before / median:>8.1f}" if before else ""
    print(f"{name:<38}{median:>10.1f}{late:>9.1f}{beside}")


if __name__ == "__main__":
    main()
