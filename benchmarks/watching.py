"""What it costs to watch a request: its id, its line in the log, its counts, its deadline.

    python benchmarks/watching.py

The same application answers the same request with and without, in turns, inside this process: no network is in the
times, which are of this process's own work. Numbers are kept in files, as several processes keep them, and lines are
written to a file.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from werkzeug.test import create_environ

sys.path.insert(0, str(Path(__file__).parent.parent))

#: Turns, and requests in each.
TURNS, REQUESTS = 40, 300


def main() -> None:
    """Measure and print a line."""
    with tempfile.TemporaryDirectory() as folder:
        # Its library looks for the folder when it is imported.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        log = os.open(Path(folder, "log"), os.O_WRONLY | os.O_CREAT)
        os.dup2(log, sys.stderr.fileno())

        from app import create_app
        from app.settings import Settings
        from app.telemetry import logs

        logs.start("INFO")
        app = create_app(Settings(redis_url="unix:///nowhere", signing_secret="x" * 40))
        # The page of the API's document, without its template.
        app.view_functions["docs.page"] = lambda: "answered"
        watched = app.wsgi_app
        without = watched._application
        for turn in (watched, without):
            microseconds(turn)
        pairs = [(microseconds(watched), microseconds(without)) for _ in range(TURNS)]
    more = statistics.median(one - other for one, other in pairs)
    ratio = statistics.median(one / other for one, other in pairs)
    print(f"watched {more:.0f} µs more a request, {ratio:.2f} times {statistics.median(b for _, b in pairs):.0f} µs")


def microseconds(application: Callable[..., Iterable[bytes]]) -> float:
    """Return the time of a request, the mean of many."""
    environments: list[dict[str, Any]] = [create_environ("/docs", "http://127.0.0.1:8080") for _ in range(REQUESTS)]
    began = time.process_time()
    for environ in environments:
        list(application(environ, lambda status, headers, error=None: None))
    return (time.process_time() - began) / REQUESTS * 1e6


if __name__ == "__main__":
    main()
