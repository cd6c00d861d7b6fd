"""How long pages take from the service, with 100 models of 50 versions each.

    python benchmarks/pages.py

A portfolio trains on the penguins once; its version, report and artefact are then published under a hundred ids, fifty
times each, and every page is asked for in turns by one client that keeps its connection. What a browser loads beside a
page, and keeps for good, is counted once.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import requests

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from app.store.connection import connect  # noqa: E402  after the path
from app.store.embedded import EmbeddedRedis  # noqa: E402
from app.store.publications import Publications  # noqa: E402
from app.store.record import Version  # noqa: E402
from app.store.redis import ModelStore  # noqa: E402

#: Models, versions of each, and how often each page is asked for.
MODELS, VERSIONS, TIMES = 100, 50, 21

#: Seconds that the service may take to start.
START = 60

#: Milliseconds at the median, and bytes after the first page.
REQUIRED, MOST = 200, 1_000_000

with socket.create_server(("127.0.0.1", 0)) as listener:
    PORT = listener.getsockname()[1]
URL = f"http://127.0.0.1:{PORT}"


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory(prefix="pages-") as folder:
        environment = {**os.environ, "PORT": str(PORT), "DATA_DIR": folder, "LOG_LEVEL": "WARNING"}
        process = subprocess.Popen([sys.executable, "-m", "app"], cwd=ROOT, env=environment)
        try:
            job = train()
            fill(Path(folder))
            measure(job)
        finally:
            process.terminate()
            process.wait()


def train() -> str:
    """Wait for the service, train, and return the job."""
    began = time.monotonic()
    while time.monotonic() - began < START:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{URL}/health/ready", timeout=5).ok:
                break
        time.sleep(0.1)
    files = {
        "raw_data": ("penguins.csv", (ROOT / "data/penguins.csv").read_bytes()),
        "params": "{pipeline_id: model-0, target: species, id_column: id, limits: {seconds: 20}}",
    }
    answer = requests.post(f"{URL}/train_pipeline", files=files, headers={"Prefer": "respond-async"}, timeout=300)
    job = str(answer.json()["jobId"])
    while requests.get(f"{URL}/jobs/{job}", timeout=30).json()["state"] in ("queued", "running"):
        time.sleep(0.5)
    return job


def fill(folder: Path) -> None:
    """Publish what was trained as many models of many versions."""
    client = connect(EmbeddedRedis(folder).url)
    secret = (folder / "signing.key").read_text()
    store, publications = ModelStore(client, secret), Publications(client, secret)
    record, report = store.record("model-0"), store.report("model-0", 1)
    artifact = store.artifact("model-0", 1)
    for model in range(MODELS):
        for number in range(VERSIONS):
            other = replace(record, pipeline_id=f"model-{model}", job_id=f"{model}-{number}")
            publications.publish(Version(other, artifact, report))


def measure(job: str) -> None:
    """Ask for each page, and print how long the service took."""
    paths = ["/", "/ui/train", f"/ui/jobs/{job}"]
    paths += [f"/ui/models/model-7{end}" for end in ("", "/predict", "/explain", "/explain?of=model", "/what-if")]
    session, loaded = requests.Session(), set()
    print("| page | median ms | slowest ms | kB | |\n| --- | ---: | ---: | ---: | --- |")
    for path in paths:
        times, answer = [], session.get(URL + path, timeout=60)
        for _ in range(TIMES):
            began = time.perf_counter()
            answer = session.get(URL + path, timeout=60)
            times.append(1000 * (time.perf_counter() - began))
        answer.raise_for_status()
        loaded |= set(re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text))
        median, size = statistics.median(times), len(answer.content)
        verdict = "**met**" if median < REQUIRED and size < MOST else "**not met**"
        print(f"| {path} | {median:.0f} | {max(times):.0f} | {size / 1000:.0f} | {verdict} |")
    once = sum(len(session.get(URL + path, timeout=60).content) for path in loaded)
    print(f"\nLoaded once and kept: {once / 1000:,.0f} kB in {len(loaded)} files.")


if __name__ == "__main__":
    main()
