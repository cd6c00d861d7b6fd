"""The series behind rows: their samples, and the rows of the same series with other samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.payloads.parameters import ExtractFeatures, Missing
from app.pipelines.tsfresh.series import in_order, tidy

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.explain.base import Signals
    from app.pipelines.tsfresh import SeriesFeatures
    from app.pipelines.tsfresh.windows import WindowFeatures

    Array = np.ndarray[Any, Any]

#: Columns of the long table that is made of changed series.
_ID, _TIME, _KIND, _VALUE = "id", "time", "kind", "value"


def behind(features: SeriesFeatures | WindowFeatures, frame: pd.DataFrame, rows: pd.DataFrame) -> list[Signals]:
    """Return the series of each row.

    Parameters
    ----------
    frame
        As the signature has it.
    rows
        What `features` make of it; of a forecast one a series and step.
    """
    from app.pipelines.tsfresh.windows import WindowFeatures

    if isinstance(features, WindowFeatures):
        return [*(Window.of(features, frame, *index[:2]) for index in rows.index)]
    series = tidy(frame, features, list(features.signals))
    places = {identity: place for place, identity in enumerate(series.ids.tolist())}
    found: list[Signals] = []
    for identity in rows.index.tolist():
        values, times = {}, {}
        for name, signal in series.signals.items():
            here = slice(*signal.starts[places[identity] : places[identity] + 2])
            if here.stop > here.start:
                values[name] = signal.values[here]
                times[name] = None if signal.times is None else signal.times[here]
        found.append(Whole(features, values, times))
    return found


@dataclass(frozen=True)
class Whole:
    """A series whose samples all count; see `Signals`.

    Attributes
    ----------
    times
        Dates of the samples of each signal, where dates sort them.
    """

    features: SeriesFeatures
    values: dict[str, Array]
    times: dict[str, Array | None]
    start: int = 0

    def rows(self, changed: Sequence[dict[str, Array]]) -> pd.DataFrame:
        """Return a row a series."""
        import numpy as np
        import pandas as pd

        blocks = []
        for name, times in self.times.items():
            length = len(self.values[name])
            block = {
                _ID: np.repeat(np.arange(len(changed)), length),
                _KIND: np.full(len(changed) * length, name, dtype="object"),
                _VALUE: np.concatenate([series[name] for series in changed]),
            }
            blocks.append(block if times is None else block | {_TIME: np.tile(times, len(changed))})
        long = pd.concat([pd.DataFrame(block) for block in blocks], ignore_index=True)
        sort = _TIME if _TIME in long.columns else None
        # What was missing is filled by now.
        as_made = replace(
            self.features, column_id=_ID, column_sort=sort, column_kind=_KIND, column_value=_VALUE, missing="refuse"
        )
        return as_made.transform(long.sort_values(_ID, kind="stable"))


@dataclass(frozen=True)
class Window:
    """The last samples of a series that is forecast; see `Signals`.

    Attributes
    ----------
    frame
        Rows of this series alone, in their order.
    step
        How far ahead the row forecasts.
    """

    features: WindowFeatures
    frame: pd.DataFrame
    step: int
    values: dict[str, Array]
    start: int

    @classmethod
    def of(cls, features: WindowFeatures, frame: pd.DataFrame, identity: Any, step: int) -> Window:
        """Take the window of one series."""
        here = frame[frame[features.column_id] == identity]
        if features.missing == Missing.DROP:
            here = here.dropna()
        sorting = ExtractFeatures(column_id=features.column_id, column_sort=features.column_sort)
        ordered = here.iloc[in_order(here, sorting)[2]]
        latest = ordered.tail(features.window)
        values = {name: latest[name].to_numpy("float64") for name in features.values}
        return cls(features, latest, step, values, len(ordered) - len(latest))

    def rows(self, changed: Sequence[dict[str, Array]]) -> pd.DataFrame:
        """Return the row of the same step of each series."""
        import numpy as np
        import pandas as pd

        made = pd.concat([self.frame] * len(changed), ignore_index=True)
        for name in self.values:
            made[name] = np.concatenate([series[name] for series in changed])
        made[self.features.column_id] = np.repeat(np.arange(len(changed)), len(self.frame))
        rows = self.features.transform(made)
        return rows[rows.index.get_level_values("step") == self.step]
