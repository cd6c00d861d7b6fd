"""Where the samples of a forecasting are cut of its series: windows of the past, and the values after them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from app.errors import Fault, InvalidData
from app.payloads.parameters import ExtractFeatures, Forecast
from app.pipelines.tsfresh.backtest import Order
from app.pipelines.tsfresh.table import Table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Rows that are learned from, and the values in all of their windows together; of more a sample is drawn.
ROWS, VALUES = 20_000, 10_000_000

#: Windows that are drawn even where not each of them can have a row for every step: a long horizon would leave few.
WINDOWS = 2_000


#: Latest values of a window that are features as they are, the last one among them.
PLAIN = 10


@dataclass(frozen=True)
class Cut:
    """Where the samples of a training are cut of its series, before anything is computed of them.

    Attributes
    ----------
    ends
        Rows of `table` at which the windows end, in the order of time, shape (n_windows,).
    window
        Number of each sample's window, shape (n_samples,).
    targets
        Row of each sample's target, shape (n_samples,).
    order
        Where in time each sample lies.
    """

    table: Table
    ends: Array
    window: Array
    targets: Array
    order: Order

    @classmethod
    def of(
        cls, frame: pd.DataFrame, wanted: ExtractFeatures, forecast: Forecast, target: str | None, seed: int
    ) -> Self:
        """Find the windows, and the values after them that are known. Of more samples than `ROWS` some are drawn.

        Parameters
        ----------
        target
            Column to forecast; the first of the values when None.
        seed
            By which samples are drawn.

        Raises
        ------
        InvalidData
            Missing values, two rows of a series for one time, or no series that is long enough.
        """
        import numpy as np

        table = Table.read(frame, wanted, target)
        ends, notes = _ends(table, forecast, seed)
        steps = ends[:, None] + np.arange(1, forecast.horizon + 1)
        known = steps < table.stops[ends][:, None]
        known[known] = ~np.isnan(table.values[steps[known], 0])
        known = drawn(known, seed)
        window, targets = np.nonzero(known)[0], steps[known]
        order = Order(table.positions[ends[window]], table.positions[targets], tuple(notes))
        return cls(table, ends, window, targets, order)

    @property
    def y(self) -> Array:
        """The values to forecast, shape (n_samples,)."""
        values: Array = self.table.values[self.targets, 0].copy()
        return values

    @property
    def steps(self) -> Array:
        """How many rows after its window each target comes, shape (n_samples,)."""
        steps: Array = self.targets - self.ends[self.window]
        return steps


def _ends(table: Table, forecast: Forecast, seed: int) -> tuple[Array, list[str]]:
    """Return the rows at which the windows of training end, in the order of time, and what is to be known of them."""
    import numpy as np

    rows = np.arange(len(table.values))
    ends = rows[(rows - table.first >= forecast.window - 1) & (rows < table.stops - 1)]
    ends = ends[~table.empty(ends, forecast.window) & table.followed(ends, forecast.horizon)]
    if not _reaches(table, ends, forecast.horizon):
        least, longest = forecast.window + forecast.horizon, int(table.lengths.max())
        detail = f"the longest series has {longest} values that can be used; take a smaller window or horizon"
        raise InvalidData(
            f"A forecast from {forecast.window} values, {forecast.horizon} ahead, is learned from series of at least "
            f"{least} values.",
            [Fault("/params/forecast/window", detail)],
        )
    ends = ends[np.lexsort((ends, table.positions[ends]))]
    most = most_windows(forecast.window, forecast.horizon, len(table.names))
    notes = []
    if len(ends) > most:
        notes.append(f"The forecasting learns from {most} of {len(ends)} windows, drawn from all times.")
        # Not the newest: of many series these would all end where the later steps are not known yet.
        ends = ends[np.sort(np.random.default_rng(seed).choice(len(ends), most, replace=False))]
    short = int((table.lengths <= forecast.window).sum())
    if short:
        notes.append(f"{short} series have no more than {forecast.window} values and are not learned from.")
    if table.irregular:
        notes.append("The times of the series are not evenly spaced; steps are counted in rows.")
    return ends, notes


def most_windows(window: int, horizon: int, n_values: int) -> int:
    """Return how many windows are learned from."""
    return max(1, min(max(ROWS // horizon, WINDOWS), VALUES // (window * n_values)))


def drawn(known: Array, seed: int) -> Array:
    """Draw as many windows for each step of the horizon as come to `ROWS` rows together.

    Parameters
    ----------
    known
        Which steps after which windows are known, shape (n_windows, horizon).
    """
    import numpy as np

    if known.sum() <= ROWS:
        return known
    generator, kept = np.random.default_rng(seed), np.zeros_like(known)
    for step in range(known.shape[1]):
        places = generator.permutation(np.flatnonzero(known[:, step]))
        kept[places[: max(1, ROWS // known.shape[1])], step] = True
    return kept


def _reaches(table: Table, ends: Array, horizon: int) -> bool:
    """Tell whether the last step of the horizon is known after some window; else nothing is learned of it."""
    import numpy as np

    last = ends[ends + horizon < table.stops[ends]] + horizon
    return bool((~np.isnan(table.values[last, 0])).any())
