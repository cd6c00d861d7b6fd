"""The peers: environments of their own, the same fitted models, and the request that each is fastest with."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.quality import environment
from benchmarks.serving import load, models
from benchmarks.serving.systems import ROOT, SERVERS, Server, free_port, start

PEERS = ROOT / "benchmarks" / "peers"

#: {peer: a request that it answers once it is ready}.
READY = {
    "MLServer": load.get("/v2/models/model/ready"),
    "BentoML": load.get("/readyz"),
    "MLflow": load.get("/ping"),
    "2017": load.get("/models"),
}


def python_of(work: Path, peer: str) -> str | None:
    """Return the interpreter of a peer's environment, made at the first use; None, said aloud, where that failed."""
    if peer == "2017":
        return sys.executable
    try:
        return environment(work, peer.lower())
    except subprocess.CalledProcessError as error:
        print(f"  {peer} could not be installed ({error}); it is left out", flush=True)
        return None


@contextmanager
def serving(work: Path, peer: str, model: Path) -> Iterator[Server | None]:
    """Start a peer with a model; None, said aloud, where it cannot be."""
    if (python := python_of(work, peer)) is None:
        yield None
        return
    folder = model.parent / f"{peer}-{model.stem}"
    port = free_port()
    command = [python, str(PEERS / f"serve_{peer.lower()}.py"), str(model), str(port), str(folder)]
    log = model.parent / f"{peer}-{model.stem}.log"
    try:
        server = start(peer, command, port, SERVERS, READY[peer], log)
    except RuntimeError as error:
        print(f"  {peer} could not be started; it is left out: {error}", flush=True)
        yield None
        return
    try:
        yield server
    finally:
        server.stop()


def fitted(folder: Path) -> dict[str, Path]:
    """Fit what peers serve on the rows that the service has, and return the files."""
    import joblib
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = models.cancer()
    X, y = table.drop(columns="target").to_numpy(), table["target"].to_numpy()
    found = {
        "forest": RandomForestClassifier(models.TREES, random_state=0).fit(X, y),
        "linear": make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y),
    }
    paths = {name: folder / f"{name}.joblib" for name in found}
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in found.items():
        joblib.dump(model, paths[name])
    return paths


def fitted_of_2017(folder: Path) -> Path:
    """Fit the forest of the 2017 path on all series, and return its file."""
    import joblib
    from sklearn.ensemble import RandomForestClassifier

    from benchmarks.peers.serve_2017 import features

    rows = features(models.long_series())
    labels = pd.read_json(ROOT / "data" / "label_train.json").set_index("example_id")["label"]
    path = folder / "series.joblib"
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(RandomForestClassifier(models.TREES, random_state=0).fit(rows, labels.loc[rows.index]), path)
    return path


def request(peer: str, row: pd.DataFrame) -> bytes:
    """Return the request of rows in the form that a peer is fastest with: numbers without names."""
    values: list[list[float]] = row.to_numpy().tolist()
    if peer == "MLServer":
        return inference("model", row)
    if peer == "BentoML":
        return load.post("/predict", json.dumps({"rows": values}).encode())
    return load.post("/invocations", json.dumps({"inputs": values}).encode())


def inference(model: str, row: pd.DataFrame) -> bytes:
    """Return the request of rows in the Open Inference Protocol (V2), as one tensor."""
    tensor: dict[str, Any] = {"name": "rows", "shape": list(row.shape), "datatype": "FP64"}
    body: dict[str, Any] = {
        "inputs": [tensor | {"data": row.to_numpy().ravel().tolist()}],
        "outputs": [{"name": "predict_proba"}],
    }
    return load.post(f"/v2/models/{model}/infer", json.dumps(body).encode())
