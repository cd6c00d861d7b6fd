"""Writes what this release stores, and what it answers of that, for the releases to come.

`python -m tests.store.freeze` before `PROTOCOL` is raised; tests/faults/test_upgrade.py holds later ones to the file.
"""

from __future__ import annotations

import base64
import gzip
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from app import create_app
from app.settings import Settings
from app.store.connection import connect
from app.store.embedded import EmbeddedRedis
from app.store.publications import Publications
from app.store.record import PROTOCOL
from app.store.redis import ModelStore
from conftest import SECRET
from tests import published

FOLDER = Path(__file__).parent / "upgrades"

#: Rows to predict with each of the models that are compiled, and so go on under other versions of the libraries.
ASKED: dict[int | str, list[dict[str, Any]]] = {
    "birds": [
        {"id": "b1", "weight": 3.5, "eggs": 2, "ringed": True, "colour": "red", "seen": "2020-01-05"},
        {"id": "b2", "weight": None, "eggs": 8, "ringed": False, "colour": "grün", "seen": "2020-02-05"},
    ],
    7: [{"a": 1.0, "b": 0.25}, {"a": 15.5, "b": -1.5}],
    "doubles": [{"a": 1.0, "b": 0.25}, {"a": 15.5, "b": -1.5}],
    "waves": published.waves()[0].to_dict("records"),
}


def fill(client: Any) -> None:
    """Publish the models; of one the older of two versions is current, and one has explanations."""
    publications, store = Publications(client, SECRET), ModelStore(client, SECRET)
    for name, version in published.made().items():
        if name in ASKED:
            publications.publish(version)
            if name == 7:
                publications.publish(replace(version, record=replace(version.record, job_id="another")))
                store.promote(7, 1)
    publications.keep_explanations(store.record("birds"), {"kept": True})


def stored(client: Any) -> dict[str, Any]:
    """Return all that is stored of models."""
    found: dict[str, Any] = {}
    for key in client.scan_iter("automl:*"):
        kind, name = client.type(key), key.decode()
        if kind == b"string":
            found[name] = base64.b64encode(client.get(key)).decode()
        elif kind == b"hash":
            fields = client.hgetall(key).items()
            found[name] = {field.decode(): base64.b64encode(value).decode() for field, value in fields}
        elif kind == b"set":
            found[name] = sorted(member.decode() for member in client.smembers(key))
    return found


def put(client: Any, found: dict[str, Any]) -> None:
    """Store it again."""
    for name, value in found.items():
        if isinstance(value, str):
            client.set(name, base64.b64decode(value))
        elif isinstance(value, dict):
            client.hset(name, mapping={field: base64.b64decode(one) for field, one in value.items()})
        else:
            client.sadd(name, *value)


def main() -> None:
    """Write the file of this protocol."""
    folder = Path(tempfile.mkdtemp())
    server = EmbeddedRedis(folder)
    server.start()
    client = connect(server.url)
    fill(client)
    web = create_app(Settings(redis_url=server.url, data_dir=folder, signing_secret=SECRET)).test_client()
    answers = []
    for name, rows in ASKED.items():
        asked = {"pipeline_id": name, "data": rows}
        answer = web.post("/serve_prediction", json=asked)
        assert answer.status_code == 200, answer.text
        answers.append({"asked": asked, "answer": answer.get_json()})
    text = json.dumps({"stored": stored(client), "answers": answers}).encode()
    (FOLDER / f"protocol-{PROTOCOL}.json.gz").write_bytes(gzip.compress(text, mtime=0))
    server.stop()


if __name__ == "__main__":
    main()
