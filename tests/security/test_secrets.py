"""A deployment whose secrets are known: what it logs, answers, prints and stores is searched for each of them."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import quote

import psutil
import pytest

from app.auth import digest
from conftest import ROOT, free_port
from tests.faults.parts import Valkey, Web, Worker
from tests.house import table

#: What nobody is to read anywhere. None of them is the word of anything else.
SIGNING, ADMIN, WRONG = "canary-Sg7pQ2xLw9Zr4TnVb6YkHd3cMf5j", "canary-Ad8mQ3zXw5Hr", "canary-Wr6nT9vKe2Jq"
REDIS, ISSUER = "canary-Re4dX7sPq1Mb", "canary-Oi5cZ8hGt3Fy"

SETTINGS = {
    "SIGNING_SECRET": SIGNING,
    "API_KEYS": f"admin:{digest(ADMIN)}",
    "LOG_LEVEL": "DEBUG",
    "OIDC_CLIENT_ID": "automl",
    "OIDC_CLIENT_SECRET": ISSUER,
    "OIDC_ROLES": "operators=admin",
}

PARAMETERS = """
pipeline_id: told
target: kind
model_training:
  model: sklearn.tree.DecisionTreeClassifier
"""


class House:
    """A Redis with a password, a web process and a worker, and all that anyone outside has been told by them."""

    def __init__(self, short_folder, folder) -> None:
        self.folder = folder
        self.valkey = Valkey(short_folder / "valkey-secrets", requirepass=REDIS)
        self.valkey.url = self.valkey.url.replace("unix://", f"unix://:{REDIS}@")
        self.environment = {**SETTINGS, "OIDC_ISSUER": f"http://127.0.0.1:{free_port()}"}
        self.web = Web(self.valkey.url, folder / "web", WEB_CONCURRENCY="1", **self.environment)
        self.worker = Worker(self.valkey.url, folder / "worker", **self.environment)
        self.answers: list[bytes] = []

    def ask(self, method: str, path: str, key: str | None = ADMIN, **options: object) -> int:
        """Ask for something, keep all of the answer, and return its status."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        answer = self.web.service.request(method, path, headers=headers, allow_redirects=False, **options)
        self.answers.append(f"{answer.status_code} {answer.headers}".encode() + answer.content)
        return answer.status_code

    def run(self, module: str, *words: str) -> bytes:
        """Return what a command prints."""
        own = {**os.environ, **self.environment, "REDIS_URL": self.valkey.url, "DATA_DIR": str(self.folder / "web")}
        done = subprocess.run(
            [sys.executable, "-m", module, *words], cwd=ROOT, env=own, capture_output=True, check=False
        )
        return done.stdout + done.stderr

    def stored(self) -> bytes:
        """Return all that Redis has, as it gives it out and as it lies in its file."""
        client, found = self.valkey.client(), list[bytes]()
        reads = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"stream": client.xrange,
        }
        for key in client.scan_iter(count=1000):
            found += [key, str(reads[client.type(key)](key)).encode()]
        client.close()
        return b"\n".join([*found, *(file.read_bytes() for file in self.valkey.folder.rglob("*.aof"))])


@pytest.fixture(scope="module")
def house(short_folder, tmp_path_factory) -> Iterator[House]:
    """A deployment in which much has gone well and wrong."""
    one = House(short_folder, tmp_path_factory.mktemp("secrets"))
    try:
        for part in (one.valkey, one.web, one.worker):
            part.start()
        live(one)
        yield one
    finally:
        for part in (one.web, one.worker, one.valkey):
            part.stop()


def live(one: House) -> None:
    """Train, predict, explain and sign in, in right and in wrong ways, with and without Redis."""
    table_of = {"raw_data": ("t.csv", table().drop(columns="size").to_csv(index=False))}
    assert one.ask("POST", "/train_pipeline", files={**table_of, "params": PARAMETERS}) == 200
    wrong = PARAMETERS.replace("kind", "nothing")
    assert one.ask("POST", "/train_pipeline", files={**table_of, "params": wrong}) == 422
    body = {"pipeline_id": "told", "data": [dict.fromkeys("abcd", 0.5)]}
    assert one.ask("POST", "/serve_prediction", json=body) == 200
    assert one.ask("POST", "/explain", json={**body, "method": "lime", "num_samples": 50}) == 200
    assert one.ask("POST", "/serve_prediction", json={**body, "data": [{"a": "x"}]}) == 422
    for key in (WRONG, None):
        assert one.ask("POST", "/serve_prediction", key, json=body) == 401
    for path in ("/models", "/models/told", "/keys", "/audit", "/metrics", "/openapi.json", "/health/ready", "/none"):
        assert one.ask("GET", path) in (200, 404)
    for path in ("/", "/ui/sign-in", "/ui/sign-in/oidc", "/ui/sign-in/oidc/back?code=x&state=y"):
        assert one.ask("GET", path, None) < 600
    for key in (ADMIN, WRONG):
        page = one.web.service.get("/ui/sign-in").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token
        assert one.ask("POST", "/ui/sign-in", None, data={"key": key, "csrf_token": token[1]}) in (303, 401)
    export = ("app", "export", str(one.folder / "models.automl"))
    for words in (("app", "check"), ("app.auth", "make", "read"), export):
        one.answers.append(one.run(*words))
    one.answers += [one.stored(), (one.folder / "models.automl").read_bytes()]
    one.valkey.kill()
    assert one.ask("GET", "/models") == 503
    one.answers.append(one.run("app", "check"))
    one.valkey.start()
    one.answers += [one.web.log().encode(), one.worker.log().encode(), one.valkey.log().encode()]


@pytest.mark.parametrize("secret", [SIGNING, ADMIN, WRONG, REDIS, ISSUER])
def test_no_secret_of_a_deployment_is_in_anything_that_it_gives_out(house, secret) -> None:
    forms = {secret, quote(secret), secret.encode().hex(), base64.b64encode(secret.encode()).decode().rstrip("=")}
    for told in house.answers:
        assert not [form for form in forms if form.encode() in told]


def test_what_was_searched_is_what_was_done(house) -> None:
    everything = b"".join(house.answers)
    # The models, a prediction, the log of both, and what is stored of keys.
    for part in (b'"told"', b'"message":"request"', b'"job_id"', digest(ADMIN)[:12].encode(), b"automl:model:told"):
        assert part in everything
    assert len(house.answers) > 25


def test_no_process_of_a_deployment_writes_its_memory_to_a_file(house) -> None:
    for part in (house.web, house.worker):
        own = psutil.Process(part.running.pid)
        for process in (own, *own.children(recursive=True)):
            assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
