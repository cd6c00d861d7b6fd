"""Keys against real web processes: what one of them revokes, none goes by a second later."""

import http.client
import json
import time

import pytest

from app.auth import digest
from tests.faults.parts import serving, until

ADMIN = "the key of the operator"


@pytest.fixture
def web(short_folder, tmp_path):
    two = {"API_KEYS": f"admin:{digest(ADMIN)}", "WEB_CONCURRENCY": "2"}
    with serving(short_folder / "keys-live", tmp_path, **two) as (_, one):
        yield one


def status(port, key):
    """Ask on a connection of its own, so that either process may answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/models", headers={"Authorization": f"Bearer {key}"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_a_revoked_key_opens_nothing_in_any_process(web):
    headers = {"Authorization": f"Bearer {ADMIN}"}
    made = web.service.post("/keys", data=json.dumps({"role": "read"}), headers=headers).json()
    until(lambda: len(web.workers()) == 2, "two processes")
    assert {status(web.port, made["key"]) for _ in range(40)} == {200}
    assert web.service.delete(f"/keys/{made['id']}", headers=headers).status_code == 204
    time.sleep(1)
    # Forty connections of which all came to one of two processes would be a wonder.
    assert {status(web.port, made["key"]) for _ in range(40)} <= {401, 429}
    assert status(web.port, ADMIN) == 200
    found = until(lambda: web.service.get("/audit?count=1000", headers=headers).json(), "entries")
    assert {"keys.make", "keys.revoke", "models.index"} <= {entry["action"] for entry in found}
    assert made["key"] not in web.log()
    assert ADMIN not in web.log()
