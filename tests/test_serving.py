"""The serving benchmark measures what it says: answers, goals, powers, and documents that are filled anew."""

from __future__ import annotations

import http.server
import threading

import pytest

from benchmarks.serving import load, report
from benchmarks.serving.bench import ratio, summary
from benchmarks.serving.growth import exponents


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers by path: 200 with so many bytes, or another status."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append(body)
        status, size = map(int, self.path.strip("/").split("/"))
        self.send_response(status)
        self.send_header("content-length", str(size))
        self.end_headers()
        self.wfile.write(b"x" * size)

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def server():
    """A server of the standard library on a free port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        server.seen = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_every_client_has_its_answers_and_requests_are_sent_in_turn(server) -> None:
    requests = [load.post("/200/10", b"one"), load.post("/200/10", b"two")]
    found = load.burst(server.server_port, requests, clients=3, seconds=0, least=4)
    assert len(found.latencies) == 12
    assert sorted(server.seen) == [b"one"] * 6 + [b"two"] * 6
    assert found.rate == pytest.approx(12 / found.seconds)
    assert 0 < found.median <= found.late()


def test_an_answer_that_comes_in_pieces_is_read_to_its_end(server) -> None:
    assert load.once(server.server_port, load.post("/200/3000000", b"")) == b"x" * 3_000_000


def test_another_status_than_200_is_no_answer_to_count(server) -> None:
    with pytest.raises(load.WrongAnswer, match="503"):
        load.once(server.server_port, load.post("/503/5", b""))


def test_late_is_what_so_many_answers_were_within() -> None:
    found = load.Burst(1.0, [float(number) for number in range(1, 101)], 0.1)
    assert (found.median, found.late(), found.late(0.5)) == (50.5, 100.0, 51.0)


def test_a_ratio_is_the_median_of_the_rounds_own() -> None:
    fast = [load.Burst(1.0, [1.0] * count, 0.1) for count in (10, 40, 60)]
    slow = [load.Burst(1.0, [4.0] * count, 0.1) for count in (10, 10, 10)]
    assert ratio(fast, slow) == 4.0
    assert ratio(fast, slow, "median") == 4.0
    assert summary(fast)["rate"] == 40


def test_powers_tell_what_grows_faster_than_its_size() -> None:
    assert exponents([1, 10, 100], [1.0, 10.0, 1000.0]) == pytest.approx([None, 1.0, 2.0])
    points = [{"n": 1, "ms": 1.0, "power": None}, {"n": 10, "ms": 1000.0, "power": 3.0}]
    assert "**3.00**" in report.tables({"growth": {"figures": {"rows": points}, "measured": measured()}})


def measured(busy=0.0):
    return {
        "date": "2026-01-01", "cores": 2, "memory_gib": 8, "python": "3.11", "libraries": {"numpy": "2"}, "busy": busy,
    }  # fmt: skip


def test_goals_are_met_not_met_or_not_measured() -> None:
    figures = {"MLServer": {"times": 8.0}, "BentoML": {"times": 7.9}}
    kept = {"forest": {"figures": figures}, "start": {"figures": {"first_answer_s": 0.99, "memory_mb": 200.0}}}
    rows = [goal.row(kept) for goal in report.GOALS]
    assert [row[3] for row in rows[:3]] == ["met", "**not met**", ""]
    assert rows[2][2] == "not measured"
    assert [row[3] for row in rows if "no model" in row[0]] == ["met", "**not met**"]


def test_a_busy_machine_is_told() -> None:
    assert "Nothing else ran" in report.machine({"start": {"measured": measured()}})
    assert "**Began beside other work: start.**" in report.machine({"start": {"measured": measured(1.0)}})


def test_a_document_is_filled_between_its_marks_as_often_as_one_likes() -> None:
    text = "Before.\n\n<!-- goals -->\n<!-- end -->\n\nAfter.\n"
    once = report.filled(text, {"goals": "| a |", "absent": "| b |"})
    assert once == "Before.\n\n<!-- goals -->\n\n| a |\n\n<!-- end -->\n\nAfter.\n"
    assert report.filled(once, {"goals": "| c |"}) == once.replace("a |", "c |")
