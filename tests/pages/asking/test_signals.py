"""Series as plots: in the order that the pipeline reads them in."""

from types import SimpleNamespace

import pandas as pd
import pytest

from app.pages.asking import signals
from tests.pages.asking.test_fields import signature_of

SERIES = {"column_id": "who", "column_sort": "day"}


def series(form):
    """Return 60 days that grow, in another order."""
    days = pd.date_range("2020-01-01", periods=60)
    frame = pd.DataFrame({"who": "a", "day": days.strftime(form), "x": range(60)})
    return frame.sample(frac=1, random_state=0).reset_index(drop=True)


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d %B %Y", "%Y-%m-%d"])
def test_the_past_is_drawn_by_its_dates_not_by_their_letters(form):
    frame = series(form)
    record = SimpleNamespace(parameters={"target": "x"})
    signature = signature_of(frame, None, task="classification", extract_features=SERIES)
    (drawn,) = signals.forecast(frame, signature, record, {"id": ["a"] * 10, "prediction": [60.0] * 10})
    past, ahead = drawn["figure"]["data"]
    assert past["y"] == [*range(60)]
    assert ahead["y"][0] == 59
    (drawn,) = signals.drawn(frame, signature)
    assert drawn["figure"]["data"][0]["y"] == [*range(60)]
