"""Small series for the tests of their features, models and forecasts."""

import numpy as np
import pandas as pd

from app.payloads.parameters import ExtractFeatures
from app.pipelines.tsfresh import SeriesFeatures

#: Ids in an order that sorting would change.
IDS = [7, 3, 11, 5, 2, 9]

#: Parameters that say which column names the signal of a stacked row.
STACKED = {"column_kind": "signal", "column_value": "v"}


def silent(*args, **named):
    """Take a report and do nothing with it."""


def series(ids=IDS, length=40, signals=("x",)):
    """Return long series, a noisy wave an id."""
    parts = []
    for name in ids:
        generator = np.random.default_rng(name)
        time = np.arange(float(length))
        columns = {
            signal: np.sin(time / (number + name)) + generator.normal(size=length) / 5
            for number, signal in enumerate(signals)
        }
        parts.append(pd.DataFrame({"id": name, "t": time, **columns}))
    return pd.concat(parts, ignore_index=True)


def stacked(wide, signals):
    """Return wide series as a row a value."""
    return wide.melt(["id", "t"], list(signals), "signal", "v").sort_values("t", kind="stable", ignore_index=True)


def wanted(parameters="MinimalFCParameters()", **named):
    """Return the parameters of an extraction."""
    return ExtractFeatures(**{"column_id": "id", "column_sort": "t", "default_fc_parameters": parameters, **named})


def fitted(frame, parameters="MinimalFCParameters()", **named):
    """Return the features of training series and their rows."""
    return SeriesFeatures.fit(frame, wanted(parameters, **named), silent)
