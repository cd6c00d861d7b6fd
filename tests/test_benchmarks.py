"""The arithmetic of the benchmarks: ranks, tables and verdicts that say what was measured, and clients at a rate."""

from __future__ import annotations

import argparse
import socketserver
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.quality import report, score_of
from benchmarks.serving import load, load_report, soak
from benchmarks.serving.open_loop import Answers, at_rate
from benchmarks.standings import Result, Standings, ranks, verdicts

SYSTEMS = ["portfolio", "scikit-learn", "LightGBM"]


def result(system: str, score: float | None, fit_seconds: float | None = 10.0, **more) -> Result:
    more = {"data": "a", "seed": 0} | more
    return Result(system=system, seconds=60, cores=2, score=score, fit_seconds=fit_seconds, **more)


def standings(*results: Result) -> Standings:
    return Standings(results, SYSTEMS, ["a", "b"])


def test_ties_share_the_mean_of_their_places_and_failures_are_last() -> None:
    assert ranks([0.9, 0.8, 0.9]) == [1.5, 3.0, 1.5]
    assert ranks([None, 0.1, None]) == [2.5, 1.0, 2.5]
    assert ranks([-3.0, None]) == [1.0, 2.0]


def test_scores_that_are_printed_alike_are_ties() -> None:
    assert ranks([0.90001, 0.90002]) == [1.5, 1.5]


def test_all_three_verdicts_can_be_kept() -> None:
    found = standings(result("portfolio", 0.95, 66.0), result("scikit-learn", 0.90), result("LightGBM", 0.91))
    lines = verdicts(found, 60)
    assert all("**kept**" in line for line in lines)
    assert "66.0 s" in lines[-1]


def test_a_shared_best_rank_is_not_the_best_of_all() -> None:
    found = standings(result("portfolio", 0.95), result("scikit-learn", 0.95), result("LightGBM", 0.91))
    assert "**not kept**" in verdicts(found, 60)[0]


def test_a_set_where_a_default_is_better_is_named() -> None:
    found = standings(
        *(result(system, score) for system, score in zip(SYSTEMS, (0.95, 0.90, 0.91), strict=True)),
        *(result(system, score, data="b") for system, score in zip(SYSTEMS, (0.80, 0.79, 0.8051), strict=True)),
    )
    line = verdicts(found, 60)[1]
    assert "**not kept**" in line
    assert "-0.0051, on b: 0.8000 against 0.8051 of LightGBM" in line


def test_a_better_default_in_hindsight_is_told_apart() -> None:
    found = standings(
        result("portfolio", 0.95), result("scikit-learn", 0.90, singles={"linear": 0.97}), result("LightGBM", 0.91)
    )
    chosen, hindsight = verdicts(found, 60)[1:3]
    assert "**kept**" in chosen
    assert "**not kept**" in hindsight
    assert "0.9700 of linear" in hindsight


@pytest.mark.parametrize("seconds", [66.1, None])
def test_a_late_run_or_one_without_an_end_breaks_the_budget(seconds: float | None) -> None:
    score = None if seconds is None else 0.95
    found = standings(result("portfolio", score, seconds), result("scikit-learn", 0.9), result("LightGBM", 0.9))
    assert "**not kept**" in verdicts(found, 60)[-1]


def test_a_failure_of_the_portfolio_breaks_the_first_two_verdicts_and_is_listed() -> None:
    failed = result("portfolio", None, None, failure="422: no")
    found = standings(failed, result("scikit-learn", 0.9), result("LightGBM", 0.9))
    assert all("**not kept**" in line for line in verdicts(found, 60))
    assert found.failures() == ["- portfolio on a, seed 0: 422: no"]
    assert "| a | failed | **0.9000** | **0.9000** |" in found.table()


def test_a_split_that_not_all_have_run_is_left_out() -> None:
    found = standings(result("portfolio", 0.9), result("scikit-learn", 0.9))
    assert found.splits == {}
    assert "Nothing to judge" in verdicts(found, 60)[0]


def test_a_report_of_nothing_says_so() -> None:
    options = argparse.Namespace(data=["a"], seeds=[0], systems=SYSTEMS, seconds=60, cores=2)
    assert "none of 1 split(s)" in report(options, Path(), [])


def test_predictions_are_scored_by_the_order_of_the_classes(tmp_path: Path) -> None:
    path, answers = tmp_path / "predictions.parquet", pd.Series(["no", "yes", "yes"])
    pd.DataFrame({"yes": [0.1, 0.8, 0.9], "no": [0.9, 0.2, 0.1]}).to_parquet(path)
    assert score_of(path, answers, {"classes": ["no", "yes"]}) == 1.0


@pytest.mark.parametrize("values", [[0.5, 0.5], [0.5, None, 0.5], [0.5, float("inf"), 0.5]])
def test_missing_rows_or_values_are_a_failure(values: list[float | None], tmp_path: Path) -> None:
    path = tmp_path / "predictions.parquet"
    pd.DataFrame({"value": values}).to_parquet(path)
    with pytest.raises(ValueError, match="predictions"):
        score_of(path, pd.Series([1.0, 2.0, 3.0]), {"classes": None})


class Slow(socketserver.ThreadingTCPServer):
    """A server that takes its time for each request, one after another, and refuses the third."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, seconds):
        super().__init__(("127.0.0.1", 0), Answering)
        self.seconds, self.one_at_a_time, self.answered = seconds, threading.Lock(), 0


class Answering(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            with self.server.one_at_a_time:
                time.sleep(self.server.seconds)
                self.server.answered += 1
                status = b"503 Service Unavailable" if self.server.answered == 3 else b"200 OK"
            self.wfile.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}")


@pytest.fixture
def slow():
    """Return a function that starts such a server and returns its port."""
    servers = []

    def start(seconds):
        server = Slow(seconds)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_latency_counts_from_when_a_request_was_to_be_sent(slow):
    # Twice as many as it can answer: who comes last waits for all before, whether or not there is a connection for it.
    found = at_rate(slow(0.02), load.get("/"), rate=100, seconds=1.0, connections=4)
    waits = [ms for _, _, ms in sorted(found.answers)]
    assert sum(waits[-10:]) / 10 > 400
    assert sum(waits[:10]) / 10 < sum(waits[-10:]) / 20


def test_every_answer_is_counted_by_its_status(slow):
    found = at_rate(slow(0.0), load.get("/"), rate=50, seconds=0.5, connections=4)
    statuses = found.statuses()
    assert statuses.pop(503) == 1
    assert statuses == {200: len(found.answers) - 1}
    assert found.unsent == 0


def test_a_share_of_answers_is_of_their_status_alone():
    found = Answers(10, [(0, 200, 1.0), (1, 200, 2.0), (2, 503, 9.0), (7, 200, 3.0)])
    assert found.within(0.99, 200) == 3
    assert found.within(0.99, 429, 503) == 9
    assert found.within(0.5, 200, since=5) == 3
    assert found.within(0.5, 429) == 0


def looks(*sizes):
    """Return what was seen of a part every ten seconds."""
    return [{"second": 10 * number, "memory_mb": size, "files": 5, "threads": 3} for number, size in enumerate(sizes)]


def test_growth_is_what_comes_after_the_start():
    started_then_flat = looks(*range(30), *[100.0] * 60)
    assert soak.grown(started_then_flat, 900)["growth"] == 0
    leaking = looks(*[100.0] * 30, *(100 + 1.0 * number for number in range(60)))
    assert soak.grown(leaking, 900)["growth"] > 0.3


def over(**changes):
    """Return the figures of an overload that is as it should be, but for some."""
    figures = {
        "capacity": 50.0,
        "over": {"offered": 200, "statuses": {"200": 3000, "503": 9000}, "unsent": 0, "p50_ms": 90, "p99_ms": 900},
        "rejected_p99_ms": 20.0,
        "live_p99_ms": 30.0,
        "live_statuses": {"200": 240},
        "after": {"refused": 0, "answered": 200, "p99_ms": 80.0},
    }
    measured = {"date": "2026-01-01", "cores": 2, "memory_gib": 8, "python": "3.11", "libraries": {}, "busy": 0.0}
    return {"overload": {"figures": figures | changes, "measured": measured}}


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, 0),
        ({"over": {**over()["overload"]["figures"]["over"], "statuses": {"200": 1, "500": 1}}}, 1),
        ({"over": {**over()["overload"]["figures"]["over"], "unsent": 7}}, 1),
        ({"over": {**over()["overload"]["figures"]["over"], "statuses": {"200": 12000}}}, 1),
        ({"rejected_p99_ms": 201.0}, 1),
        ({"live_p99_ms": 501.0, "live_statuses": {"200": 239, "503": 1}}, 2),
        ({"after": {"refused": 1, "answered": 200, "p99_ms": 80.0}}, 1),
    ],
)
def test_an_overload_is_judged_by_what_was_answered_and_how_soon(changes, missed):
    kept = over(**changes)
    goals = [goal for goal in load_report.GOALS if goal.case == "overload"]
    assert sum(not goal.met(kept) for goal in goals) == missed
    assert load_report.tables(kept).count("**not met**") == missed
