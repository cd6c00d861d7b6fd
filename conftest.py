"""Fixtures: a real Redis, an app on it, and a real service, which `--host` replaces by any deployment.

`py.test` runs everything and starts what it needs. `py.test --host https://…` runs the tests of tests/live/ against a
service that runs already, with `--api-key` where it needs one.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import requests

from app import create_app
from app.settings import Settings
from app.store.connection import connect
from app.store.embedded import EmbeddedRedis
from app.store.publications import Publications
from app.store.redis import ModelStore

ROOT = Path(__file__).parent
SECRET = "a secret of the tests, long enough to sign"  # noqa: S105  of the tests alone

#: Seconds a service may take to answer after its start.
START = 60


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --host and --api-key."""
    parser.addoption("--host", help="run the live tests against this service, e.g. http://127.0.0.1:8080")
    parser.addoption("--api-key", help="key with the role admin, for a service that needs one")


#: Files that take minutes, the longest first: of those that are begun last one process would wait for the other.
LONG = (
    "test_restart.py",
    "test_manifest.py",
    "test_parameter_files.py",
    "test_service.py",
    "test_worker.py",
    "test_versions.py",
    "test_contract.py",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest, without what is for the night. Against a deployment only the live tests count."""
    # Of several with one id pytest-xdist runs one, and says nothing of the others.
    if twice := [name for name, number in Counter(item.nodeid for item in items).items() if number > 1]:
        raise pytest.UsageError(f"not every test has an id of its own: {', '.join(twice)}")
    if not config.getoption("markexpr"):
        late = [item for item in items if item.get_closest_marker("nightly")]
        config.hook.pytest_deselected(items=late)
        items[:] = [item for item in items if item not in late]
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))
    if config.getoption("--host"):
        live = [item for item in items if "live" in item.path.parts]
        config.hook.pytest_deselected(items=[item for item in items if item not in live])
        items[:] = live


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a unix socket; pytest's own are not always."""
    folder = Path(tempfile.mkdtemp(prefix="automl-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def redis_url(short_folder: Path) -> Iterator[str]:
    """The embedded server, as the service starts it."""
    server = EmbeddedRedis(short_folder / "unit")
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def client_of_redis(redis_url: str) -> Iterator[redis.Redis]:
    """A client on an empty database."""
    client = connect(redis_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def store(client_of_redis: redis.Redis) -> ModelStore:
    """An empty model store."""
    return ModelStore(client_of_redis, SECRET)


@pytest.fixture
def publications(client_of_redis: redis.Redis) -> Publications:
    """What fills the model store."""
    return Publications(client_of_redis, SECRET)


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    """Settings of a service on loopback."""
    return Settings(redis_url=redis_url, data_dir=tmp_path, signing_secret=SECRET)


@pytest.fixture
def client(settings: Settings, client_of_redis: redis.Redis):  # noqa: ANN201  Flask's own type is not exported
    """A test client of an app on an empty store; nothing works its queue."""
    return create_app(settings).test_client()


class Service(requests.Session):
    """A running service: a session whose URLs begin at its root."""

    def __init__(self, root: str, api_key: str | None = None) -> None:
        super().__init__()
        self.root = root.rstrip("/")
        if api_key:
            self.headers["Authorization"] = f"Bearer {api_key}"

    def request(self, method: str, url: str, *args: object, **options: object) -> requests.Response:  # type: ignore[override]
        """Send a request to a path of the service."""
        options.setdefault("timeout", 300)
        return super().request(method, self.root + url, *args, **options)  # type: ignore[arg-type]


def free_port() -> int:
    """Return a TCP port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start_service(data_dir: Path, **environment: str) -> tuple[subprocess.Popen[bytes], Service]:
    """Start `python -m app` on a free port and wait until it is ready."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "app"],
        cwd=ROOT,
        env={**os.environ, "PORT": str(port), "DATA_DIR": str(data_dir), **environment},
    )
    service = Service(f"http://127.0.0.1:{port}")
    wait_until_ready(service, process)
    return process, service


def wait_until_ready(service: Service, process: subprocess.Popen[bytes]) -> None:
    """Wait for /health/ready; fail when the process ends before."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        assert process.poll() is None, "the service ended at its start"
        try:
            if service.get("/health/ready", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the service was not ready within {START} s")


@pytest.fixture(scope="session")
def service(request: pytest.FixtureRequest, short_folder: Path) -> Iterator[Service]:
    """The service of --host, or one that is started for the tests: real gunicorn, worker and Redis."""
    if host := request.config.getoption("--host"):
        yield Service(host, request.config.getoption("--api-key"))
        return
    process, service = start_service(short_folder / "live")
    yield service
    service.close()
    process.terminate()
    assert process.wait(60) == 0
