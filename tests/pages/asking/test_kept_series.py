"""Series of a training that are offered again, where they are whole."""

from types import SimpleNamespace

import pandas as pd
import pytest

from app.pages.asking import kept_series, sent
from app.payloads.parameters import Task, TrainParameters, check
from app.pipelines.reports import examples
from app.settings import Settings
from tests import kinds
from tests.pages.asking.test_fields import signature_of

SETTINGS = Settings(redis_url="redis://127.0.0.1:1", signing_secret="s" * 40)
SERIES = {"column_id": "wave", "column_sort": "when"}


def kept(frame, labels):
    parameters = check(TrainParameters, {"pipeline_id": "p", "extract_features": SERIES})
    return examples(SimpleNamespace(parameters=parameters, frame=frame, labels=labels, task=Task.CLASSIFICATION))


@pytest.fixture(scope="module")
def waves():
    frame, labels = kinds.waves()
    return frame, labels.set_index("wave")["label"]


def test_a_series_is_written_as_it_was_sent(waves):
    frame, labels = waves
    signature = signature_of(frame, None, task="classification", extract_features=SERIES)
    found = kept(frame, labels)
    assert kept_series.why_not(signature, found, forecasts=False) is None
    assert "w1 (fast)" in kept_series.names(found)
    one = next(one for one in found if one["id"] == "w1")
    again = sent.table(sent.pasted(kept_series.text(signature, one)), signature, SETTINGS)
    expected = frame[frame["wave"] == "w1"].sort_values("when")
    for name in ("height", "wind"):
        assert again[name].tolist() == pytest.approx(expected[name].tolist(), rel=1e-4, abs=1e-4)
    assert again["wave"].unique().tolist() == ["w1"]
    assert again["when"].is_monotonic_increasing


def test_of_what_is_not_whole_the_page_says_why_it_is_not_offered(waves):
    frame, labels = waves
    signature = signature_of(frame, None, task="classification", extract_features=SERIES)
    assert "No series" in kept_series.why_not(signature, [], forecasts=False)
    assert "times" in kept_series.why_not(signature, kept(frame, labels), forecasts=True)
    times = pd.date_range("2020-01-01", periods=2000, freq="h").astype("str")
    long = pd.concat([pd.DataFrame({"wave": name, "when": times, "height": 0.5, "wind": 1.0}) for name in ("w0", "w1")])
    assert "outline" in kept_series.why_not(signature, kept(long, labels[["w0", "w1"]]), forecasts=False)
