"""What a job's page tells, of jobs made by hand."""

from app.jobs.records import Job, JobState
from app.pages import following


def tried(at, score, name="linear", engine="portfolio", error=None):
    return {"time": at, "candidate": {"name": name, "engine": engine, "score": score, "fit_seconds": 1, "error": error}}


def running(**progress):
    return Job("job", JobState.RUNNING, "birds", "portfolio", 0.0, 60.0, 4096, started=100.0, progress=progress)


def test_a_job_that_waits_says_so_and_draws_nothing():
    waiting = Job("job", JobState.QUEUED, "birds", "portfolio", 0.0, 60.0, 4096)
    told = following.told(waiting, [], None)
    assert (told["stage"], told["figure"], told["board"], told["log"]) == ("Waiting for a worker", None, [], [])


def test_candidates_are_ranked_and_drawn_whichever_way_the_metric_counts():
    events = [tried(101, 0.3, "a"), tried(102, 0.9, "b"), tried(103, None, "c", error="refused"), tried(104, 0.5, "d")]
    for best, order, line in ((0.9, "bda", [0.3, 0.9, 0.9]), (0.3, "adb", [0.3, 0.3, 0.3])):
        told = following.told(running(best_score=best, metric="m"), events, None)
        assert "".join(row["name"] for row in told["board"]) == order
        steps, points = told["figure"]["data"]
        assert (steps["y"], points["x"]) == (line, [1, 2, 4])


def test_the_log_has_stages_and_failures_with_the_seconds_since_the_start():
    events = [{"time": 100.5, "stage": "features"}, tried(103, None, "c", error="refused")]
    told = following.told(running(), events, None)
    assert told["log"] == [{"after": 0.5, "text": "features"}, {"after": 3, "text": "c failed: refused"}]


def test_a_long_search_is_told_in_part():
    events = [tried(100 + number, number / 100, f"n{number}") for number in range(60)]
    told = following.told(running(best_score=0.59), events, None)
    assert (len(told["board"]), told["more"]) == (15, 45)


def test_names_that_would_be_markup_are_text_in_the_figure():
    events = [tried(101, 0.3, "<b>a</b> & b", "<i>e</i>"), tried(102, 0.9, "b", "<i>e</i>")]
    _, points = following.told(running(best_score=0.9), events, None)["figure"]["data"]
    assert points["name"] == "&lt;i&gt;e&lt;/i&gt;"
    assert points["text"][0] == "&lt;b&gt;a&lt;/b&gt; &amp; b"
