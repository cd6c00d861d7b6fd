"""What a job's page tells, of jobs made by hand."""

import re
from dataclasses import replace
from pathlib import Path

from app.jobs.job import Job, JobKind, JobState, Stop
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
    # What was reported last may be older than the latest candidate.
    for best, metric, order, line in (
        (0.9, "roc_auc", "bda", [(1, 0.3), (2, 0.9), (4, 0.9)]),
        (0.3, "roc_auc", "bda", [(1, 0.3), (2, 0.9), (4, 0.9)]),
        (0.3, "rmse", "adb", [(1, 0.3), (4, 0.3)]),
        (0.9, "rmse", "adb", [(1, 0.3), (4, 0.3)]),
    ):
        told = following.told(running(best_score=best, metric=metric), events, None)
        assert "".join(row["name"] for row in told["board"]) == order
        steps, points = told["figure"]["data"]
        assert ([*zip(steps["x"], steps["y"], strict=True)], points["x"]) == (line, [1, 2, 4])


def test_the_log_has_stages_and_failures_with_the_seconds_since_the_start():
    events = [{"time": 100.5, "stage": "features"}, tried(103, None, "c", error="refused")]
    told = following.told(running(), events, None)
    assert told["log"] == [
        {"after": 0.5, "text": "Making features of the data"},
        {"after": 3, "text": "c failed: refused"},
    ]
    assert following.stage("of a library") == "of a library"


def test_every_stage_of_a_training_is_told_in_words():
    pipelines = Path(following.__file__).parents[1] / "pipelines"
    source = "\n".join(path.read_text() for path in pipelines.rglob("*.py"))
    begun = set(re.findall(r"""(?:progress\(|yield |_STAGE = )"([a-z -]+)"(?:,.*)?$""", source, re.MULTILINE))
    begun |= set(re.findall(r"""board\.(?:try_all|add)\(.*, "([a-z -]+)"\)""", source))
    assert {"features", "baselines", "variants", "search", "hold-out", "final fit"} <= begun
    assert begun - set(following.STAGES) <= {"model", "stacked"}


def ended(state, **more):
    return replace(running(), state=state, ended=130.0, **more)


def test_a_job_that_was_cancelled_says_what_was_kept_and_is_no_error():
    gone = following.told(ended(JobState.CANCELLED, stop=Stop.CANCEL), [], None)
    assert (gone["cancelled"], gone["advice"]) == ("Cancelled. Nothing of it was kept.", None)
    early = following.told(ended(JobState.CANCELLED, stop=Stop.CANCEL_KEEP), [], None)
    assert early["cancelled"] == "Cancelled. It had no model yet. Nothing of it was kept."
    kept = following.told(ended(JobState.CANCELLED, stop=Stop.CANCEL_KEEP, result={"version": 3}), [], None)
    assert "best" in kept["cancelled"]
    assert (gone["again"], kept["again"]) == ({"job": "job"}, {"model": "birds", "version": 3})


def test_a_training_that_failed_says_what_to_do_by_what_stopped_it():
    cases = [
        (JobState.TIMED_OUT, Stop.TIME, "time"),
        (JobState.TIMED_OUT, None, "time"),
        (JobState.FAILED, Stop.MEMORY, "memory"),
        (JobState.FAILED, None, "Look at"),
    ]
    for state, stop, word in cases:
        told = following.told(ended(state, stop=stop), [], None)
        assert word in told["advice"]
        assert (told["cancelled"], told["again"]) == (None, {"job": "job"})
    explained = ended(JobState.FAILED, kind=JobKind.EXPLANATION)
    assert following.told(explained, [], None)["advice"] is None
    assert following.told(ended(JobState.FINISHED, result={"version": 3}), [], None)["again"] is None


def test_the_axis_has_the_name_of_the_metric_and_names_are_no_markup():
    events = [tried(101, 0.3, "<b>a"), tried(102, 0.9, "Pipeline(steps=[('a', Scale()), ('b', Tree())])")]
    figure = following.told(running(best_score=0.9, metric="roc_auc"), events, None)["figure"]
    assert figure["layout"]["yaxis"]["title"]["text"] == "ROC AUC"
    assert figure["data"][1]["text"] == ["&lt;b&gt;a", "Scale &gt; Tree"]


def test_a_long_search_is_told_in_part():
    events = [tried(100 + number, number / 100, f"n{number}") for number in range(60)]
    told = following.told(running(best_score=0.59, metric="roc_auc"), events, None)
    assert (len(told["board"]), told["more"]) == (15, 45)


def test_names_that_would_be_markup_are_text_in_the_figure():
    events = [tried(101, 0.3, "<b>a</b> & b", "<i>e</i>"), tried(102, 0.9, "b", "<i>e</i>")]
    _, points = following.told(running(best_score=0.9), events, None)["figure"]["data"]
    assert points["name"] == "&lt;i&gt;e&lt;/i&gt;"
    assert points["text"][0] == "&lt;b&gt;a&lt;/b&gt; &amp; b"
