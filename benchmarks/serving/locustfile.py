"""What callers do in a day, for Locust, which runs from an environment of its own.

    locust -f benchmarks/serving/locustfile.py --headless --users 8 --run-time 60s --host http://127.0.0.1:8080
           --key KEY --statuses statuses.json

Trainings are not among it: there are a few an hour beside many thousand requests (`benchmarks/serving/soak.py`).
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from locust import FastHttpUser, constant_throughput, events, task

#: {status: answers}.
STATUSES: Counter[int] = Counter()

#: A row of what the models are trained on.
ROW = {f"x{number}": 0.25 * number for number in range(10)}


@events.init_command_line_parser.add_listener
def options(parser: ArgumentParser) -> None:
    """Add what the scenario is told."""
    parser.add_argument("--key", required=True, help="an API key with the role predict")
    parser.add_argument("--statuses", required=True, help="file that the number of answers of each status goes into")
    parser.add_argument("--throughput", type=float, default=10_000.0, help="requests a second of each user at most")


@events.request.add_listener
def count(response: Any, **_: Any) -> None:
    """Count an answer; 0 is a connection that broke."""
    STATUSES[getattr(response, "status_code", 0) or 0] += 1


@events.quitting.add_listener
def keep(environment: Any, **_: Any) -> None:
    """Write the counts."""
    Path(environment.parsed_options.statuses).write_text(json.dumps(STATUSES))


class Caller(FastHttpUser):
    """Predicts for the most part, and now and then asks why, and what there is."""

    def wait_time(self) -> float:
        """Return the seconds until the next request."""
        return float(constant_throughput(self.environment.parsed_options.throughput)(self))

    def _send(self, path: str, name: str, body: Any = None) -> None:
        headers = {"Authorization": f"Bearer {self.environment.parsed_options.key}"}
        if body is None:
            self.client.get(path, name=name, headers=headers)
        else:
            headers["Content-Type"] = "application/json"
            self.client.post(path, data=json.dumps(body), name=name, headers=headers)

    @task(70)
    def predict(self) -> None:
        """Ask for the prediction of a row."""
        self._send("/serve_prediction", "predict", {"pipeline_id": "wide-10", "data": [ROW]})

    @task(10)
    def explain(self) -> None:
        """Ask why."""
        asked = {"pipeline_id": "wide-10", "method": "lime", "num_samples": 200, "data": [ROW]}
        self._send("/explain", "explain", asked)

    @task(10)
    def models(self) -> None:
        """Ask which models there are, and of one of them."""
        self._send("/models", "models")
        self._send("/models/wide-10", "model")

    @task(10)
    def jobs(self) -> None:
        """Ask how trainings do."""
        self._send("/jobs", "jobs")
