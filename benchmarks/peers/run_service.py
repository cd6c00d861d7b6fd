"""The service as its users have it: `python -m app`, POST /train_pipeline without a model, POST /serve_prediction.

The clock covers the request to train, whole: upload, parsing, queue, search, publication and the answer.
"""

from __future__ import annotations

import io
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import harness
import pandas as pd

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from conftest import Service, start_service  # noqa: E402  found in the root of the checkout

#: Columns of a series; everything else about features is left to the service's own defaults.
SERIES = {"column_id": "id", "column_sort": "time"}

#: A training that says that the worker has begun: it imports its engines while the web processes answer already.
SMALL = pd.DataFrame({"x": range(40), "target": ["a", "b"] * 20})
SMALL_PARAMETERS = {
    "pipeline_id": "start",
    "target": "target",
    "model_training": {"model": "sklearn.linear_model.LogisticRegression"},
}


def main() -> None:
    """Start a service, train and predict, and stop it whatever comes."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    # Short, for the unix socket of the embedded Redis.
    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        process, service = start_service(Path(folder), HOST="127.0.0.1", REDIS_URL="", API_KEYS="", VCAP_SERVICES="{}")
        try:
            post(service, "/train_pipeline", SMALL_PARAMETERS, raw_data=SMALL)
            harness.run(
                lambda run: train(service, run),
                lambda answer, run: predict(service, run),
                ["scikit-learn", "tpot", "lightgbm", "xgboost"],
                lambda answer: f"{answer.get('engine')}: {' '.join(str(answer['modelType']).split())}",
            )
        finally:
            process.terminate()
            process.wait()


def train(service: Service, run: harness.Run) -> Any:
    """Train what the portfolio picks."""
    parameters = {"pipeline_id": "quality", "seed": run.seed, "limits": {"seconds": run.seconds}, "target": "target"}
    parameters["task"] = run.pick("classification", "classification", "regression")
    if not run.description["series"]:
        return post(service, "/train_pipeline", parameters, raw_data=run.X.assign(target=run.y))
    parameters["extract_features"] = SERIES
    labels = pd.DataFrame({"id": range(len(run.y)), "target": run.y})
    return post(service, "/train_pipeline", parameters, raw_data=series(run, "train"), labels=labels)


def predict(service: Service, run: harness.Run) -> Any:
    """Return probabilities or values in the order of the rows."""
    rows = series(run, "test") if run.description["series"] else run.X_test
    parameters = {"pipeline_id": "quality", "output": "prediction" if run.classes is None else "all"}
    answer = pd.DataFrame(post(service, "/serve_prediction", parameters, raw_data=rows)).set_index("id")
    answer = answer.loc[range(len(run.X_test))]
    names = ["prediction"] if run.classes is None else [f"score_{name}" for name in run.classes]
    return answer[names].to_numpy(dtype=float)


def series(run: harness.Run, part: str) -> pd.DataFrame:
    """Return the long table of (id, time, signals): the samples as they were before they became columns."""
    return pd.read_parquet(run.folder / f"{part}_series.parquet")


def post(service: Service, path: str, parameters: dict[str, Any], **tables: pd.DataFrame) -> Any:
    """Send tables as Parquet and parameters as JSON, which is YAML too; return the answer."""
    files: dict[str, Any] = {"params": ("params.yml", json.dumps(parameters))}
    for name, table in tables.items():
        buffer = io.BytesIO()
        table.to_parquet(buffer)
        files[name] = (f"{name}.parquet", buffer.getvalue())
    response = service.post(path, files=files, timeout=3600)
    if not response.ok:
        raise SystemExit(f"{response.status_code}: {response.text[:1000]}")
    return response.json()


if __name__ == "__main__":
    main()
