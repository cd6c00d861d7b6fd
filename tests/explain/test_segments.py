"""Stretches of series that moved a prediction."""

from dataclasses import replace

import numpy as np
import pytest

from app.explain import segments
from app.explain.base import Case
from app.payloads.parameters import Kind
from tests.explain.functions import Series, asked, opaque


@pytest.fixture
def spiked():
    """A flat series with a spike, and a model that looks at how high it goes."""
    values = np.zeros(40)
    values[21] = 6.0
    series = Series({"s": values, "noise": np.random.default_rng(0).normal(size=30)})
    row = series.rows([series.values])
    shown = opaque(lambda rows: [cell.max() for cell in rows["s"]], row, s=Kind.SIGNAL, noise=Kind.SIGNAL)
    return replace(shown, of_series=True), Case(row, series)


@pytest.mark.parametrize("fill", ["line", "mean", "zero"])
@pytest.mark.parametrize(("algorithm", "told"), [("lime", "segments_lime"), ("shap", "segments_kernel")])
def test_the_stretch_that_the_model_looks_at_has_it_all(spiked, algorithm, told, fill):
    wanted = asked("segments", algorithm=algorithm, num_segments=10, fill=fill)
    local = segments.explain(*spiked, wanted)
    assert local.algorithm == told
    assert local.num_samples <= 500
    first, *others = sorted(local.contributions, key=lambda one: -abs(one.value))
    assert (first.part.feature, first.part.start, first.part.end) == ("s", 20, 24)
    # What stays of the spike where its stretch is the mean of the signal.
    stays = 6 / 40 if fill == "mean" else 0
    assert first.value == pytest.approx(6 - stays, rel=0.05)
    assert all(one.value == pytest.approx(0, abs=0.2) for one in others)
    assert len(local.contributions) == 20


def test_few_stretches_are_shared_out_exactly(spiked):
    local = segments.explain(*spiked, asked("segments", algorithm="shap", num_segments=4, fill="zero"))
    assert local.algorithm == "segments_exact"
    assert local.num_samples == 2**8
    assert local.trust["additivity_error"] == pytest.approx(0, abs=1e-12)
    found = {(one.part.feature, one.part.start): one.value for one in local.contributions}
    assert found["s", 20] == pytest.approx(6)
    assert sum(map(abs, found.values())) == pytest.approx(6)


def test_the_signals_are_in_the_answer(spiked):
    local = segments.explain(*spiked, asked("segments"))
    assert local.details["signals"] == {name: values.tolist() for name, values in spiked[1].signals.values.items()}
    assert local.details["start"] == 0


def test_a_forecast_is_explained_by_the_samples_of_its_window(trained):
    model = trained("forecast")
    entries = model.explain("segments", ids=["south"], num_segments=10)["explanations"]
    assert [(entry["id"], entry["step"]) for entry in entries] == [("south", 1), ("south", 2), ("south", 3)]
    entry = entries[0]
    assert entry["start"] == 50
    assert {one["end"] - one["start"] for one in entry["contributions"]} == {1}
    assert all(50 <= one["start"] < 60 for one in entry["contributions"])
    sent = model.sent[model.sent["store"] == "south"]["sales"]
    assert entry["signals"]["sales"] == sent[50:].tolist()
