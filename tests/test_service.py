"""`python -m app` as a whole: what is left of it after restarts, kills and Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress

import psutil
import pytest
import requests
import yaml

from conftest import ROOT, start_service
from tests.faults.parts import until

DATA = ROOT / "data"
SERIES = {"column_id": "example_id", "default_fc_parameters": "MinimalFCParameters()"}
FOREST = {"model": "sklearn.ensemble.RandomForestClassifier", "model_args": {"n_estimators": 20}}

#: Seconds that a process may take to be gone or back.
PATIENCE = 60


@pytest.fixture
def started(short_folder):
    """A service of the test's own, and all its processes ended after it."""
    folder = short_folder / uuid.uuid4().hex[:8]
    process, service = start_service(folder)
    yield process, service, folder
    service.close()
    if process.poll() is None:
        process.terminate()
        process.wait(PATIENCE)


def upload(name):
    return name, (DATA / name).read_bytes()


def train(service):
    files = {
        "raw_data": upload("data_train.json"),
        "labels": upload("label_train.json"),
        "params": yaml.safe_dump(
            {"pipeline_id": 1, "extract_features": SERIES, "model_training": FOREST, "explain": {"rows": 0}}
        ),
    }
    response = service.post("/train_pipeline", files=files)
    assert response.ok, response.text


def scores(service):
    files = {"raw_data": upload("data_test.json"), "params": "pipeline_id: 1"}
    response = service.post("/serve_prediction", files=files)
    assert response.ok, response.text
    return response.json()


def descendants(process):
    return psutil.Process(process.pid).children(recursive=True)


def named(process, words):
    found = []
    for child in descendants(process):
        # It may be dead, and not yet waited for, or go while it is looked at.
        with suppress(psutil.Error):
            if child.status() != psutil.STATUS_ZOMBIE and words in " ".join(child.cmdline()):
                found.append(child)
    return found


def test_a_restart_of_everything_serves_the_same_model(started):
    process, service, folder = started
    train(service)
    before = scores(service)
    process.terminate()
    assert process.wait(PATIENCE) == 0
    process, service = start_service(folder)
    try:
        # Several connections, so that both web processes answer.
        assert all(scores(service) == before for _ in range(6))
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_a_killed_supervisor_leaves_no_process_and_loses_no_model(started):
    process, service, folder = started
    train(service)
    before = scores(service)
    # The append-only file is written within a second.
    time.sleep(1.5)
    children = descendants(process)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, PATIENCE)
    assert not alive
    again, service = start_service(folder)
    try:
        assert scores(service) == before
    finally:
        again.terminate()
        again.wait(PATIENCE)


@pytest.mark.parametrize("words", ["valkey-server", "app.jobs.worker", "gunicorn"])
def test_a_killed_part_is_started_again_and_the_model_is_served(started, words):
    process, service, _ = started
    train(service)
    before = scores(service)
    time.sleep(1.5)
    killed = named(process, words)[0]
    killed.kill()
    until(lambda: [child for child in named(process, words) if child.pid != killed.pid], f"{words} is started")

    def serves():
        try:
            return scores(service) == before
        except (AssertionError, requests.ConnectionError):
            return False

    until(serves, "the model is served again")
    train(service)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="Ctrl-C"),
        pytest.param(signal.SIGTERM, id="SIGTERM"),
        pytest.param(signal.SIGHUP, id="a closed terminal", marks=pytest.mark.nightly),
    ],
)
def test_a_stop_in_the_middle_of_a_training_ends_every_process(started, number):
    process, service, _ = started
    files = {
        "raw_data": upload("data_train.json"),
        "labels": upload("label_train.json"),
        "params": yaml.safe_dump(
            {"pipeline_id": 1, "extract_features": SERIES, "model_training": {"model": "tpot.TPOTClassifier"}}
        ),
    }
    job = service.post("/train_pipeline", files=files, headers={"Prefer": "respond-async"}).headers["Location"]
    until(lambda: service.get(job).json()["state"] == "running", "the training begins")
    children = descendants(process)
    process.send_signal(number)
    assert process.wait(PATIENCE) == 0
    _, alive = psutil.wait_procs(children, PATIENCE)
    assert not alive


@pytest.mark.nightly
def test_a_service_that_is_to_outlive_its_terminal_does(short_folder):
    # As `nohup` starts it.
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process, service = start_service(short_folder / "nohup")
    finally:
        signal.signal(signal.SIGHUP, before)
    process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert service.get("/health/ready").ok
    process.terminate()
    assert process.wait(PATIENCE) == 0


def test_a_second_service_on_the_same_folder_is_refused(started):
    _, service, folder = started
    second = subprocess.run(
        [sys.executable, "-m", "app"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(folder), "PORT": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert second.returncode == 2
    assert "another service" in second.stderr
    assert service.get("/health/ready").ok


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"HOST": "0.0.0.0"}, "API_KEYS"),
        ({"HOST": "0.0.0.0", "API_KEYS": f"admin:{'0' * 64}"}, "SIGNING_SECRET"),
        ({"SIGNING_SECRET": "short"}, "SIGNING_SECRET"),
        ({"PORT": "http"}, "PORT"),
    ],
    ids=["no keys", "no secret", "a short secret", "not a port"],
)
def test_a_service_with_unsafe_or_wrong_settings_does_not_start(short_folder, environment, named):
    ended = subprocess.run(
        [sys.executable, "-m", "app"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(short_folder / "refused"), **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 2
    assert named in ended.stderr
    assert "Traceback" not in ended.stderr
