"""Two tenants of one service: a key of each, what they send, and how their answers are compared."""

from __future__ import annotations

import hashlib
import io
import json
import re

from app import create_app
from app.settings import Settings

#: Keys of two tenants, and of those who name no namespace.
KEYS = {"acme": "the key of acme", "beta": "the key of beta", "default": "the key of nobody in particular"}

IDS = list(range(40))
TABLE = {"id": IDS, "height": [0.5 * row for row in IDS], "colour": ["red", "blue"] * 20}
LABELED = TABLE | {"label": ["no"] * 20 + ["yes"] * 20}

#: One row of such a table, as each protocol writes it.
ROW = {"id": 3, "height": 1.5, "colour": "red"}
INPUTS = [
    {"name": "id", "shape": [1], "datatype": "INT64", "data": [3]},
    {"name": "height", "shape": [1], "datatype": "FP64", "data": [1.5]},
    {"name": "colour", "shape": [1], "datatype": "BYTES", "data": ["red"]},
]

#: For what of an answer differs from one time to the next, whoever asks for what.
_CHANGES = re.compile(r'(name="csrf_token" value="|X-CSRF-Token": "|X-CSRF-Token&#34;: &#34;)[\w-]+')


def entries(role="admin"):
    """Return what API_KEYS says of them."""
    digests = {name: hashlib.sha256(key.encode()).hexdigest() for name, key in KEYS.items()}
    return ",".join(f"{role}:{digest}" + ("" if name == "default" else f":{name}") for name, digest in digests.items())


def environment(redis_url, secret, folder, **more):
    """Return the variables of such a service, and of a worker of it."""
    return {
        "REDIS_URL": redis_url, "SIGNING_SECRET": secret, "DATA_DIR": str(folder), "API_KEYS": entries(),
        "BATCH_URL": str(folder / "own"), **more,
    }  # fmt: skip


def clients(variables):
    """Return {tenant: a client that sends its key}, all of one app."""
    app = create_app(Settings.from_environment(variables))
    found = {}
    for name, key in KEYS.items():
        found[name] = app.test_client()
        found[name].environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return found


def parts(params, rows=None):
    """Return the parts of a multipart form."""
    files = {"params": (io.BytesIO(json.dumps(params).encode()), "params.json")}
    return files if rows is None else files | {"raw_data": (io.BytesIO(json.dumps(rows).encode()), "rows.json")}


def training(pipeline_id, rows=LABELED, **params):
    """Return the parts of a training that takes no time."""
    usual = {"id_column": "id", "target": "label", "model_training": {"model": "sklearn.tree.DecisionTreeClassifier"}}
    return parts(usual | {"pipeline_id": pipeline_id, **params}, rows)


def told(answer, *names):
    """Return all that an answer tells, with each of these names replaced by a word."""
    headers = {key: value for key, value in answer.headers.items() if key not in ("X-Request-Id", "Set-Cookie")}
    text = _CHANGES.sub(r"\1", answer.get_data().decode("latin-1"))
    for name in names:
        text = text.replace(str(name), "NAME")
    return answer.status_code, {key: value for key, value in headers.items() if key != "Content-Length"}, text


def stored(client):
    """Return {key: digest of its value}: all that Redis holds but who has asked for what."""
    kept = [key for key in client.scan_iter() if not key.startswith(b"automl:audit:")]
    return {key: hashlib.sha256(client.dump(key)).hexdigest() for key in kept}
