"""Rows of a forecasting: features of windows of the past, the same in training and in serving."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from app.errors import InvalidData
from app.payloads.parameters import ExtractFeatures, Forecast, Missing
from app.pipelines.base import Progress
from app.pipelines.tsfresh import params
from app.pipelines.tsfresh.backtest import Order
from app.pipelines.tsfresh.cut import PLAIN, Cut
from app.pipelines.tsfresh.features import SeriesFeatures
from app.pipelines.tsfresh.seasons import LAST, last_seasons, tell_seasons
from app.pipelines.tsfresh.spacing import Spacing, ahead
from app.pipelines.tsfresh.table import Table, of_series

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class WindowFeatures:
    """How the rows of a trained forecasting are computed: one for each series and step.

    The features of a row are the last value of the window, the ones before it (lags), what tsfresh computes of the
    window, the step, from 1 to the horizon, and, where the series repeat themselves, the value a season before. Windows
    are cut of the sorted values: tsfresh's own `roll_time_series` makes the same ones, in a time that grows with the
    square of the length of a series.

    Attributes
    ----------
    values
        Columns of the values: first the one to forecast, then those whose past tells something of it.
    columns
        Features that the model uses, in its order.
    features
        tsfresh's features of a window.
    spacings
        How the series of training were spaced in time, the commonest first.
    seasons
        Rows after which they repeat themselves.
    """

    column_id: str
    column_sort: str | None
    window: int
    horizon: int
    values: tuple[str, ...]
    missing: str
    columns: tuple[str, ...]
    features: SeriesFeatures
    spacings: tuple[Spacing, ...] = ()
    seasons: tuple[int, ...] = ()

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        wanted: ExtractFeatures,
        forecast: Forecast,
        target: str | None,
        progress: Progress,
        distributor: Any = None,
        seed: int = 0,
    ) -> tuple[Self, pd.DataFrame, Array, Order]:
        """Make the samples of training.

        Parameters
        ----------
        wanted
            Without default_fc_parameters tsfresh's minimal set is computed.
        target
            Column to forecast; the first of the values when None.
        distributor
            One of tsfresh's, or None for this process.
        seed
            By which rows are drawn, of more than are learned from.

        Returns
        -------
        The description; X of shape (n_rows, n_features), in the order of time; y of shape (n_rows,), the value `step`
        rows after the window; and where in time each of them lies. Of more rows than `ROWS` some are drawn.

        Raises
        ------
        InvalidData, InvalidParameters, TrainingFailed
        """
        import pandas as pd

        cut = Cut.of(frame, wanted, forecast, target, seed)
        table = cut.table
        windows = table.windows(cut.ends, forecast.window)
        columns = {"column_sort": None, "column_value": None, "missing": Missing.REFUSE}
        settings = params.of_windows(wanted).model_copy(update=columns)
        features, computed = SeriesFeatures.fit(
            _long(windows, table.names, table.id_name), settings, progress, distributor=distributor
        )
        every = pd.concat([_plain(windows, table.names), computed], axis=1)

        seasons = tell_seasons(table.longest, forecast.window)
        before = last_seasons(windows[:, :, 0], cut.window, cut.steps, seasons, table.names[0])
        X = every.iloc[cut.window].assign(step=cut.steps.astype("float64"), **before).reset_index(drop=True)
        described = cls(
            column_id=table.id_name,
            column_sort=wanted.column_sort,
            window=forecast.window,
            horizon=forecast.horizon,
            values=tuple(table.names),
            missing=wanted.missing.value,
            columns=tuple(X.columns),
            features=features,
            spacings=table.spacings,
            seasons=seasons,
        )
        return described, X, cut.y, cut.order

    def only(self, columns: list[str]) -> Self:
        """Return the same, restricted to some columns in the order given."""
        computed = [name for name in columns if name in self.features.columns]
        return replace(self, columns=tuple(columns), features=self.features.only(computed))

    def transform(self, frame: pd.DataFrame, part: str = "raw_data") -> pd.DataFrame:
        """Compute the rows of the newest window of each series.

        Returns
        -------
        DataFrame of shape (n_series * horizon, len(columns)). Its index has the levels id and step, and, where a series
        is spaced in time as those of training were, the time of the step: a number, or ISO 8601 text.

        Raises
        ------
        InvalidData
            A series has fewer values than the window, or only missing ones.
        """
        import numpy as np
        import pandas as pd

        wanted = ExtractFeatures(column_id=self.column_id, column_sort=self.column_sort, missing=Missing(self.missing))
        table = Table.read(frame, wanted, self.values[0], part)
        short = table.ids[table.lengths < self.window]
        if len(short):
            raise InvalidData(
                f"A forecast is made from the last {self.window} values of a series.",
                [of_series(part, self.column_id, short, "fewer")],
            )
        ends = table.starts[1:] - 1
        unknown = table.ids[table.empty(ends, self.window)]
        if len(unknown):
            raise InvalidData(
                f"The last {self.window} values of a series are all missing.",
                [of_series(part, self.column_id, unknown, "all are missing")],
            )
        windows = table.windows(ends, self.window)[:, :, [table.names.index(name) for name in self.values]]
        computed = self.features.transform(_long(windows, list(self.values), self.column_id), part)
        every = pd.concat([_plain(windows, list(self.values)), computed], axis=1)
        step = np.tile(np.arange(1, self.horizon + 1), len(ends))
        place = np.repeat(np.arange(len(ends)), self.horizon)
        before = last_seasons(windows[:, :, 0], place, step, self.seasons, self.values[0])
        rows = every.iloc[place].assign(step=step.astype("float64"), **before)
        levels = {"id": table.ids.repeat(self.horizon), "step": step}
        spans = [table.times[end - self.window + 1 : end + 1] for end in ends] if table.dated else []
        times = [ahead(span, self.spacings, self.horizon) for span in spans]
        if any(found is not None for found in times):
            unknown_times = np.full(self.horizon, None)
            levels["time"] = np.concatenate([unknown_times if found is None else found for found in times])
        return rows[list(self.columns)].set_axis(
            pd.MultiIndex.from_arrays(list(levels.values()), names=list(levels)), axis=0
        )

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read the description back from a manifest."""
        tuples = {name: tuple(value[name]) for name in ("values", "columns", "spacings", "seasons")}
        return cls(**{**value, **tuples, "features": SeriesFeatures.from_json(value["features"])})


def _long(windows: Array, names: list[str], id_name: str) -> pd.DataFrame:
    """Return windows of shape (n_windows, window, n_values) as series, numbered."""
    import numpy as np
    import pandas as pd

    n_windows, window, _ = windows.shape
    columns = {name: windows[:, :, number].ravel() for number, name in enumerate(names)}
    return pd.DataFrame({id_name: np.repeat(np.arange(n_windows), window), **columns})


def _plain(windows: Array, names: list[str]) -> pd.DataFrame:
    """Return the latest values of windows as they are."""
    import pandas as pd

    columns = {}
    for number, name in enumerate(names):
        columns[f"{name}{LAST}"] = windows[:, -1, number]
        for lag in range(1, min(windows.shape[1], PLAIN)):
            columns[f"{name}__lag_{lag}"] = windows[:, -1 - lag, number]
    return pd.DataFrame(columns)
