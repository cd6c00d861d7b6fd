"""The engine: a search in a child, its limits and what it returns. Each runs in a fresh process, as in a worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import SECRET

ROOT = Path(__file__).parents[2]

TABLE = "autokeras.StructuredDataClassifier"

#: A leaderboard that is a list, and a search on it that prints what came of it.
SCRIPT = """
import json, os, signal, sys, time
from app.errors import ServiceError
from app.pipelines.autokeras import AutoKerasEngine, engine
from app.pipelines.autokeras import search as searching
from app.pipelines.autokeras.tried import tried
from app.pipelines.base import Trial
from tests.pipelines.autokeras_rows import KINDS, problem


class ListBoard:
    def __init__(self, wanted, first, most):
        self.wanted, self.most, self.trials, self.note = wanted, most, list(first), None
        self.cut, self.looks, self.ends = False, 0, time.monotonic() + wanted.seconds
        self.stopped = None

    @property
    def best(self):
        return max((trial for trial in self.trials if trial.score is not None), key=self.rank, default=None)

    @property
    def left(self):
        return 0.0 if len(self.trials) >= self.most else max(0.0, self.ends - time.monotonic())

    def try_all(self, candidates, stage):
        return []

    def recall(self, engine, stage):
        return []

    def add(self, trial, stage):
        self.trials.append(trial)

    def look(self, stage):
        self.looks += 1

    def cut_short(self):
        self.cut = True

    def rank(self, trial):
        return float("-inf") if trial.score is None else trial.score


def search(model, baseline=None, most=100, **named):
    wanted = problem(model, **named)
    first = [] if baseline is None else [Trial("baseline", "baseline", None, score=baseline)]
    board = ListBoard(wanted, first, most)
    started = time.monotonic()
    try:
        best = AutoKerasEngine().search(wanted, board).name
    except ServiceError as error:
        best = f"{type(error).__name__}: {error}"
    found = {trial.name: trial.error for trial in board.trials}
    took = time.monotonic() - started
    return {
        "best": best, "names": list(found), "errors": list(found.values()), "note": board.note,
        "cut": board.cut, "looks": board.looks, "took": took,
    }


def dies(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def loses(problem, network, rows, name):
    yield Trial(name, "autokeras", None)
    if name.endswith(" 1"):
        time.sleep(1000)
    if name.endswith(" 2"):
        dies()
    yield list(tried(problem, network, rows, name))[-1]


def losing_search():
    searching.tried, engine._GRACE = loses, 1.0
    return search(TABLE, baseline=0.0, model_args={"max_trials": 3, "epochs": 1}, limits={"candidate_seconds": 3})


def lost_search():
    searching.validation = dies
    return search(TABLE, baseline=0.0)


LONG = {"epochs": 10_000, "patience": 1_000, "max_trials": 1_000}
TABLE = "autokeras.StructuredDataClassifier"
print(json.dumps({
    "found": search(TABLE, baseline=0.0, model_args={"max_trials": 2, "epochs": 5}),
    "worse": search(TABLE, baseline=2.0, model_args={"max_trials": 1, "epochs": 1}),
    "cancelled": search(TABLE, baseline=0.0, most=2, model_args=LONG, limits={"candidate_seconds": 1}),
    "killed": search(TABLE, baseline=0.0, seconds=0.2, model_args=LONG),
    "in time": search(TABLE, baseline=0.0, seconds=20, model_args=LONG),
    "failed": search(TABLE, baseline=0.0, model_args={"max_trials": 1, "max_model_size": 1_000}),
    "unfit": search("autokeras.TextClassifier", baseline=0.0, kinds=KINDS["table"]),
    "losing": losing_search(),
    "lost": lost_search(),
    "loaded": [name for name in ("torch", "keras", "autokeras") if name in sys.modules],
}))
"""


@pytest.fixture(scope="module")
def searches():
    """What came of each search."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_best_network_is_returned_and_each_was_told_of(searches):
    found = searches["found"]
    assert found["names"] == ["baseline", *(f"autokeras.StructuredDataClassifier {number}" for number in (1, 2))]
    assert found["best"] in found["names"][1:]
    assert not found["cut"]
    assert found["looks"] > 1


def test_a_network_is_returned_even_where_the_baseline_is_better_and_that_is_noted(searches):
    found = searches["worse"]
    assert found["best"] == "autokeras.StructuredDataClassifier 1"
    assert "baseline scored better" in found["note"]


def test_a_search_ends_when_the_board_is_full(searches):
    assert len(searches["cancelled"]["names"]) == 2


def test_without_time_for_a_network_the_baseline_is_returned(searches):
    found = searches["killed"]
    assert (found["best"], found["names"]) == ("baseline", ["baseline"])
    assert "no time" in found["note"]


def test_a_search_that_is_cut_returns_the_best_so_far(searches):
    assert searches["in time"]["best"].startswith("autokeras")
    assert searches["in time"]["cut"]


def test_where_every_network_fails_the_baseline_is_returned_and_why_is_noted(searches):
    assert searches["failed"]["best"] == "baseline"
    assert "max_model_size" in searches["failed"]["note"]


def test_networks_that_hang_or_die_are_told_of_and_the_search_goes_on(searches):
    found = searches["losing"]
    assert found["names"] == ["baseline", *(f"{TABLE} {number}" for number in (1, 2, 3))]
    assert found["errors"] == [None, "stopped at its time limit", "its process died", None]
    assert found["best"] == f"{TABLE} 3"


def test_a_search_that_dies_before_its_first_network_says_so(searches):
    assert searches["lost"]["best"] == "baseline"
    assert searches["lost"]["note"].startswith("No network was found: its process died.")


def test_columns_that_the_model_does_not_take_are_refused(searches):
    assert searches["unfit"]["best"].startswith("InvalidData: autokeras.TextClassifier takes one column of text")


def test_a_parent_loads_nothing_that_its_children_could_not_have_beside_it(searches):
    assert searches["loaded"] == []


#: A training as a worker runs it, or none; and what the model that was published says of its rows.
TRAINING = """
import json, sys
from app.payloads.parameters import TrainParameters
from app.payloads.training import Tables
from app.pipelines import registry, run
from app.pipelines.cache import PipelineCache
from app.store.connection import connect
from app.store.publications import Publications
from app.store.redis import ModelStore
from tests.pipelines.autokeras_rows import CODES, numbers


class NoRows:
    def add_row(self, name, row):
        pass

    def rows(self):
        return []


doing, url, secret = sys.argv[1:]
store, frame = ModelStore(connect(url), secret), numbers().assign(label=CODES)
if doing == "train":
    network = {"model": "autokeras.StructuredDataClassifier", "model_args": {"max_trials": 1, "epochs": 3}}
    parameters = TrainParameters(pipeline_id="p", target="label", model_training=network)
    tables = Tables(parameters, registry.check(parameters), frame, None)
    run.train(tables, "job", 120.0, Publications(connect(url), secret), lambda *_, **__: None, NoRows())
loaded, _ = run.load(store, PipelineCache(2**20), "p", None)
scores = loaded.predict(loaded.rows(frame))[:, 1].tolist()

import torch

print(json.dumps({"sees a gpu": torch.cuda.is_available(), "scores": scores}))
"""


def run_training(doing, redis_url, **environment):
    """Run it in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, doing, redis_url, SECRET],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def torch_sees_a_gpu():
    """Ask in another process: one that has looked for a GPU leaves those that it forks without."""
    asked = "import sys, torch; sys.exit(0 if torch.cuda.is_available() else 3)"
    return subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


def test_a_gpu_is_used_where_torch_sees_one_and_the_model_answers_without_it(store, redis_url):
    if not torch_sees_a_gpu():
        pytest.skip("torch sees no GPU")
    there = run_training("train", redis_url)
    assert store.record("p").result["device"] == "cuda:0"
    rows = store.report("p", 1)["leaderboard"]
    assert {row["details"]["device"] for row in rows if row["engine"] == "autokeras"} == {"cuda:0"}
    here = run_training("predict", redis_url, CUDA_VISIBLE_DEVICES="")
    assert (there["sees a gpu"], here["sees a gpu"]) == (True, False)
    np.testing.assert_allclose(here["scores"], there["scores"], atol=1e-4)
    assert len(set(here["scores"])) > 1
