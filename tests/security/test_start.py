"""What a service must not be started with ends it at once: status 2, one line, and no value of a secret in it."""

import os
import subprocess
import sys

import pytest

from app import create_app
from app.auth import digest
from app.settings import Settings, SettingsError
from conftest import ROOT

SECRET = "kV3-9sLw0qTzYb7RmXc2HdJf5GnPaEuQ"
BEYOND = {"HOST": "0.0.0.0", "API_KEYS": f"admin:{digest('a key of nobody')}", "SIGNING_SECRET": SECRET}

COMMANDS = {
    "service": ["-m", "app"],
    "web": ["-m", "gunicorn", "-c", "gunicorn.conf.py", "app:create_app()"],
    "worker": ["-m", "app.jobs.worker"],
}

#: {what is wrong: (its environment, the variable that is named)}.
REFUSED = {
    "the secret of an example": ({**BEYOND, "SIGNING_SECRET": "changeme" * 4}, "SIGNING_SECRET"),
    "the key of an example": ({**BEYOND, "API_KEYS": f"admin:{digest('changeme')}"}, "API_KEYS"),
    "no key": ({**BEYOND, "API_KEYS": ""}, "API_KEYS"),
    "no secret": ({**BEYOND, "SIGNING_SECRET": ""}, "SIGNING_SECRET"),
    "debugging": ({**BEYOND, "FLASK_DEBUG": "1"}, "FLASK_DEBUG"),
    "an open Redis": ({"REDIS_URL": "redis://user-of-nobody@redis.example:6379/0"}, "REDIS_URL"),
    "a number that is none": ({"WEB_THREADS": "user-of-nobody"}, "WEB_THREADS"),
}


def ended(command, folder, environment):
    """Run one of the commands to its end, with no setting of the machine's."""
    own = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    usual = {"DATA_DIR": str(folder), "TMPDIR": str(folder), "PORT": "1"}
    return subprocess.run(
        [sys.executable, *COMMANDS[command]],
        cwd=ROOT,
        env=own | usual | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def assert_one_line(process, variable):
    assert process.returncode == 2, process.stderr[-2000:]
    assert process.stderr.count("\n") == 1, process.stderr[-2000:]
    assert process.stderr.startswith(f"{variable}: ")
    assert process.stdout == ""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("wrong", REFUSED)
def test_what_must_not_be_started_ends_with_one_line_that_names_the_variable(tmp_path, command, wrong):
    environment, variable = REFUSED[wrong]
    process = ended(command, tmp_path, {"REDIS_URL": "unix:///nowhere", **environment})
    assert_one_line(process, variable)
    assert not any(value in process.stderr for value in (SECRET, "changeme", "user-of-nobody"))


@pytest.mark.parametrize("command", ["web", "worker"])
@pytest.mark.parametrize("missing", [True, False], ids=["no Redis", "a damaged secret"])
def test_what_is_found_wrong_only_when_the_app_is_made_is_one_line_too(tmp_path, command, missing):
    (tmp_path / "signing.key").write_text("torn")
    process = ended(command, tmp_path, {} if missing else {"REDIS_URL": "unix:///nowhere"})
    assert_one_line(process, "REDIS_URL" if missing else "SIGNING_SECRET")
    assert not list(tmp_path.glob("automl-metrics-*"))


@pytest.mark.parametrize(
    "secret",
    [
        "CHANGEME-" + SECRET,
        SECRET + "-Password",
        "default" + SECRET,
        "ab" * 20,
        SECRET[:14] * 3,
        "x" * 64,
        f"{SECRET},{'ab' * 20}",
        f"{'ab' * 20},{SECRET}",
        f"{SECRET},{SECRET[::-1]},{'x' * 64}",
    ],
)
def test_beyond_loopback_a_secret_that_many_know_or_that_repeats_itself_is_refused(secret):
    Settings.from_environment({"SIGNING_SECRET": secret})
    with pytest.raises(SettingsError, match=r"^SIGNING_SECRET: ") as refused:
        Settings.from_environment({**BEYOND, "SIGNING_SECRET": secret})
    assert secret not in str(refused.value)


@pytest.mark.parametrize("key", ["", "admin", "changeme", "key", "password", "secret", "test"])
def test_beyond_loopback_a_key_that_many_know_is_refused(key):
    with pytest.raises(SettingsError, match=r"^API_KEYS: "):
        Settings.from_environment({**BEYOND, "API_KEYS": f"{BEYOND['API_KEYS']},read:{digest(key)}"})


@pytest.mark.parametrize(
    "url",
    [
        "redis://h", "redis://h:6379/0", "redis://user@h", "rediss://h", "redis://10.0.0.1", "redis://[2001:db8::1]",
        "redis://:@h", "redis:///0?host=h", "redis://h:port",
    ],
)  # fmt: skip
def test_a_redis_elsewhere_that_lets_anyone_in_is_refused_unless_that_is_allowed(url):
    with pytest.raises(SettingsError, match=r"^REDIS_URL: "):
        Settings.from_environment({"REDIS_URL": url})
    assert Settings.from_environment({"REDIS_URL": url, "ALLOW_INSECURE_REDIS": "true"}).redis_url == url


@pytest.mark.parametrize(
    "url",
    [
        "unix:///tmp/redis.sock", "redis://127.0.0.1", "redis://[::1]:6379", "redis://localhost/1", "redis:///0",
        "redis://:pw@h", "rediss://user:pw@h:6380/0", "redis://h?password=pw",
    ],
)  # fmt: skip
def test_a_redis_of_this_machine_or_with_a_password_is_taken(url):
    assert Settings.from_environment({"REDIS_URL": url}).redis_url == url


def test_debugging_stays_off_where_it_may_be_set(settings, client_of_redis, monkeypatch):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = create_app(settings)
    assert app.debug is False

    @app.get("/breaks")
    def breaks():
        raise RuntimeError("words of nobody")

    client = app.test_client()
    for path in ("/console", "/_debug_toolbar/", "/console?__debugger__=yes&cmd=resource&f=debugger.js"):
        assert client.get(path).status_code == 404
    assert b"Werkzeug" not in client.get("/?__debugger__=yes&cmd=resource&f=debugger.js").data

    answer = client.get("/breaks")
    assert answer.status_code == 500
    assert "words of nobody" not in answer.text
    assert "Traceback" not in answer.text
