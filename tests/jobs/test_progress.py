"""A training's reports on their way to Redis."""

import pytest

from app.jobs import progress
from app.jobs.progress import JobProgress


class Taken:
    """Records that keep the latest report."""

    def __init__(self):
        self.latest, self.events = None, []

    def report(self, job_id, told):
        """Take a report."""
        self.latest = told

    def note(self, job_id, event):
        """Take an event."""
        self.events.append(event)


@pytest.fixture
def records(monkeypatch):
    """Records of reports that are not thinned out."""
    monkeypatch.setattr(progress, "_INTERVAL", 0.0)
    return Taken()


def test_counts_and_the_best_score_stand_through_the_stages_that_do_not_say_them(records):
    report = JobProgress(records, "job")
    report("search", 0.5, candidates=3, failed=1, best_score=0.8)
    report("final fit", 0.1)
    assert records.latest == {
        "stage": "final fit",
        "fraction": 0.1,
        "candidates": 3,
        "failed": 1,
        "best_score": 0.8,
    }


def test_the_fraction_of_a_stage_is_not_the_next_ones(records):
    report = JobProgress(records, "job")
    report("features", 0.9)
    report("baselines")
    assert records.latest == {"stage": "baselines"}


def test_a_stage_is_told_at_once_and_then_a_few_times_a_second(records, monkeypatch):
    monkeypatch.setattr(progress, "_INTERVAL", 3600.0)
    report = JobProgress(records, "job")
    report("features", 0.1)
    report("features", 0.2)
    assert records.latest == {"stage": "features", "fraction": 0.1}
    report("baselines", 0.0)
    assert records.latest == {"stage": "baselines", "fraction": 0.0}


def test_what_was_not_written_any_more_is_told_with_the_next_stage(records, monkeypatch):
    monkeypatch.setattr(progress, "_INTERVAL", 3600.0)
    report = JobProgress(records, "job")
    report("search", 0.1, candidates=1, failed=0, best_score=0.5)
    report("search", 0.2, candidates=2, failed=1, best_score=0.9)
    report("hold-out", 0.0)
    assert records.latest == {"stage": "hold-out", "fraction": 0.0, "candidates": 2, "failed": 1, "best_score": 0.9}


def test_each_stage_is_an_event_once(records):
    report = JobProgress(records, "job")
    for stage in ("features", "features", "search", "hold-out"):
        report(stage, 0.5)
    assert [event["stage"] for event in records.events] == ["features", "search", "hold-out"]
