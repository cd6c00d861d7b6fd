"""The main job from start to end: train twice, list, predict, explain. `make demo` runs it.

Starts the service (PORT, by default 8080; DATA_DIR, by default var) and asks it over HTTP, with each request as a curl
line and each answer as a table. In a terminal the service then stays until Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import requests
from sklearn.metrics import roc_auc_score

from app.store.embedded import die_with_parent

HOST, PORT = "127.0.0.1", os.environ.get("PORT", "8080")
URL, LOG = f"http://{HOST}:{PORT}", Path(os.environ.get("DATA_DIR", "var"), "demo.log")

#: The service shown here is this machine's alone and on a Redis of its own, whatever the environment says.
SETTINGS = {"HOST": HOST, "PORT": PORT, "DATA_DIR": str(LOG.parent), "VCAP_SERVICES": "{}"}
SETTINGS |= dict.fromkeys(
    ("API_KEYS", "REDIS_URL", "VCAP_SERVICES_FILE_PATH", "LEGACY_JSON_STRINGS", "DASK_SCHEDULER_ADDRESS"), ""
)
#: Steps of a printed pipeline that do something.
STEP = re.compile(r"\b(?!Pipeline|FeatureUnion|StratifiedKFold|KFold|Passthrough|SkipT|EstimatorT)([A-Z]\w+)\(")
TERMINAL = sys.stdin.isatty() and sys.stdout.isatty()
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CLEAR = "\r\x1b[K" if TERMINAL else ""


def ask(title: str, path: str, prefer: str = "", **parts: str) -> Any:
    """Send a GET, or a POST of multipart parts (`@path` stands for a file, as with curl), and return the JSON."""
    words = [word for name, value in parts.items() for word in ("-F", f"{name}={value}")]
    words += ["-H", f"Prefer: {prefer}"] if prefer else []
    if title:
        print(f"\n== {title}\n\n  $ {shlex.join(['curl', '-s', *words, URL + path])}\n", flush=True)
    files = {name: (text, Path(text[1:]).read_bytes() if text[0] == "@" else text) for name, text in parts.items()}
    send = requests.post if parts else requests.get
    response = send(URL + path, files=files, headers={"Prefer": prefer}, timeout=300)
    if response.ok:
        return response.json()
    raise SystemExit("\n{title}: {detail}".format(**response.json()))


def shown(value: object) -> str:
    """Round a number, name a pipeline by its steps, and cut what is too long for a line."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    if text.startswith("Pipeline("):
        text = " > ".join(STEP.findall(text))
    return text if len(text) <= 72 else f"{text[:69]}..."


def table(rows: list[dict[str, Any]]) -> None:
    """Print rows under the names of their columns, numbers to the right."""
    lines = [list(rows[0]), *([shown(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    right = [isinstance(value, int | float) for value in rows[0].values()]
    for line in lines:
        cells = zip(line, widths, right, strict=True)
        print("  " + "  ".join(cell.rjust(width) if to else cell.ljust(width) for cell, width, to in cells).rstrip())


SERIES = {"raw_data": "@data/data_train.json", "labels": "@data/label_train.json"}


def train(title: str, parameters: str, **data: str) -> None:
    """Train and show the result, of a search the best candidates."""
    parts = {**data, "params": f"@{parameters}"}
    job = follow(ask(title, "/train_pipeline", "respond-async", **parts))
    if (result := job["result"]) is None:
        raise SystemExit("\n{title}: {detail}".format(**job["error"]))
    names = ("modelId", "version", "modelType", "trainShape", "trainTime", "mean_cv_accuracy", "mean_cv_roc_auc")
    table([{"answer": name, "value": shown(result[name])} for name in names])
    board = requests.get(f"{URL}/models/{result['modelId']}", timeout=60).json()["leaderboard"]
    if len(board) > 1:
        print(f"\n  The best of {len(board)} candidates, any of which can be promoted:\n")
        columns = ("rank", "score", "fit_seconds", "predict_seconds", "size", "name")
        table([{name: row[name] for name in columns} for row in board[:6]])


def follow(job: dict[str, Any]) -> dict[str, Any]:
    """Ask for a job until it has ended, and show where it is: on one line of a terminal, else a line a stage."""
    path, stage = f"/jobs/{job['jobId']}", None
    print(f"  Accepted as a job, which is followed with\n\n  $ curl -s {URL}{path}\n")
    while job["state"] in ("queued", "running"):
        at = {"stage": job["state"], **job["progress"]}
        words = f"  {at['stage']:18}{time.time() - job['created']:4.0f} s"
        words += f"  {at['fraction']:4.0%}" if "fraction" in at else ""
        words += f"  {at['candidates']} candidates" if "candidates" in at else ""
        words += f", best score {at['best_score']:.4f}" if "best_score" in at else ""
        if TERMINAL or (at["stage"], at.get("candidates", 0) // 20) != stage:
            print(f"{CLEAR}{words}", end="" if TERMINAL else "\n", flush=True)
        stage = at["stage"], at.get("candidates", 0) // 20
        try:
            time.sleep(0.25)
            job = ask("", path)
        except SystemExit:
            # Otherwise the service would take it up again at its next start.
            requests.delete(URL + path, timeout=5)
            raise
    print(f"{CLEAR}  {job['state']} in {job['ended'] - job['created']:.1f} s\n")
    return job


def predict(title: str, parameters: str) -> pd.Series:
    """Predict the test series and return their scores by id."""
    answer = ask(title, "/serve_prediction", raw_data="@data/data_test.json", params=f"@{parameters}")
    both = pd.DataFrame(answer).set_index("id").join(pd.read_json("data/label_test.json").set_index("example_id"))
    table(both.head().reset_index().to_dict("records"))
    auc = f"{roc_auc_score(both['label'], both['score']):.3f}"
    print(f"  and {len(both) - 5} more. The AUC is {auc}, on persons that were not trained on.")
    return both["score"]


def explain(method: str, ids: list[int]) -> None:
    """Explain predictions of the random forest, with a bar a contribution."""
    parameters = f"{{pipeline_id: 1, method: {method}, ids: {ids}, num_features: 5}}"
    answer = ask(f"Why? With {method.upper()}", "/explain", raw_data="@data/data_test.json", params=parameters)
    print(f"  {answer['algorithm']}, seed {answer['seed']}: contributions to the {answer['scale']}")
    for one in answer["explanations"]:
        trust = "fidelity" if one.get("fidelity") is not None else "additivity_error"
        print(f"\n  series {one['id']}: {one['prediction']:.3f} for class {one['target']}", end=", ")
        print(f"base value {one['base_value']:.3f}, {trust.replace('_', ' ')} {one[trust]:.2g}\n")
        unit = max(abs(entry["contribution"]) for entry in one["contributions"]) / 10 or 1
        for entry in one["contributions"]:
            entry[""] = ("+" if entry["contribution"] > 0 else "-") * round(abs(entry["contribution"]) / unit)
        names = [name for name in ("feature", "value", "condition", "contribution", "") if name in entry]
        table([{name: entry[name] for name in names} for entry in one["contributions"]])


def ready() -> bool:
    """Ask the service itself."""
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{URL}/health/ready", timeout=5).ok
    return False


@contextlib.contextmanager
def service() -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m app` as long as the block does, whichever way that ends."""
    try:
        socket.create_server((HOST, int(PORT))).close()
    except (OSError, ValueError, OverflowError):
        raise SystemExit(f"Port {PORT} cannot be had. Choose another: PORT=8081 make demo") from None
    LOG.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with LOG.open("wb") as log:
        where: dict[str, Any] = {"env": os.environ | SETTINGS, "stdout": log, "stderr": log}
        # A group of its own: Ctrl-C is for the demo, which stops the service in order.
        process = subprocess.Popen([sys.executable, "-m", "app"], **where, process_group=0, preexec_fn=die_with_parent)
        try:
            deadline = time.monotonic() + 60
            while not ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"The service did not start. Its last words:\n{LOG.read_text()[-2000:]}")
                time.sleep(0.1)
            yield process
        finally:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            process.terminate()
            process.wait()


def steps() -> None:
    """Do the main job."""
    train("Train a random forest on 324 raw time series", "parameters/train_parameters.yml", **SERIES)
    train("Let TPOT search for a pipeline, half a minute", "parameters/tpot.yml", **SERIES)
    train("A table, and no model named: half a minute", "parameters/portfolio.yml", raw_data="@data/penguins.csv")
    names, models = ("version", "engine", "task", "mean_cv_roc_auc", "modelType"), ask("What is served", "/models")
    table([{"id": key, **{name: model[name] for name in names}} for key, model in models.items()])
    scores = predict("Predict 132 new series with the random forest", "parameters/test_parameters.yml")
    predict("And with what TPOT found", "parameters/test_parameters_model2.yml")
    for method in ("lime", "shap"):
        explain(method, [int(scores.idxmax()), int(scores.idxmin()), int((scores - 0.5).abs().idxmin())])


def main() -> None:
    """Start the service and take every step; whatever comes, the service has stopped at the end."""
    os.chdir(Path(__file__).parent)
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    try:
        with service() as process:
            print(f"The service runs on {URL}; its log is {LOG}.")
            steps()
            if TERMINAL:
                print(f"\nThe service stays on {URL}, its documentation on {URL}/docs, until Ctrl-C.")
                with contextlib.suppress(SystemExit):
                    process.wait()
    except requests.RequestException as error:
        sys.exit(f"\nThe service does not answer any more: {error}")


if __name__ == "__main__":
    main()
