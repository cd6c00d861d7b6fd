"""tsfresh's features of long time series, and the series themselves, the same in training and in serving."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from app.errors import Fault, InvalidData, TrainingFailed, at
from app.payloads.parameters import ExtractFeatures
from app.payloads.straight import Straight
from app.pipelines.base import Progress
from app.pipelines.tsfresh import params
from app.pipelines.tsfresh.calculators.names import parameters_of
from app.pipelines.tsfresh.extract import extract, features
from app.pipelines.tsfresh.series import Series, Signal, in_groups, in_series, signals_of, tidy

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.pipelines.tsfresh.calculators.plan import Plan

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class SeriesFeatures:
    """How the rows of a trained pipeline are computed of series.

    Attributes
    ----------
    signals
        Names of the signals: the value columns, or the values of `column_kind`.
    columns
        What the model uses, in its order: features, `<signal>__<calculator>…`, and names of signals that it reads raw.
    fill
        For each of the features the values that stand in for NaN, -inf and inf.
    missing
        What becomes of missing values of the series.
    raw
        Those of the columns that are signals.
    optional
        Signals that some series of training lacked, so that others may lack them too.
    """

    column_id: str
    column_sort: str | None
    column_kind: str | None
    column_value: str | None
    signals: tuple[str, ...]
    columns: tuple[str, ...]
    fill: tuple[tuple[float, float, float], ...]
    # What was stored before these two refused missing values and read no raw signal.
    missing: str = "refuse"
    raw: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        wanted: ExtractFeatures,
        progress: Progress,
        *,
        raw: bool = False,
        features: bool = True,
        distributor: Any = None,
    ) -> tuple[Self, pd.DataFrame]:
        """Compute all wanted features of the training series.

        What fills missing features is of all of them, those included that are held out or tested on later: no label,
        but the median and the range of each feature.

        Parameters
        ----------
        raw
            Add the signals themselves, a column each of arrays of shape (n_samples,).
        features
            Compute tsfresh's features.
        distributor
            Where tsfresh computes, see `distribute`; None for this process.

        Returns
        -------
        The features' description, and a DataFrame of shape (n_series, n_features) indexed by id in the order in which
        the ids first occur. Features that are missing in every series are left out.

        Raises
        ------
        InvalidData, InvalidParameters, TrainingFailed
        """
        import pandas as pd

        from app.pipelines.tsfresh.calculators.plan import Plan

        assert wanted.column_id is not None
        signals = signals_of(frame, wanted)
        roles = (wanted.column_id, wanted.column_sort, wanted.column_kind, wanted.column_value)
        series = tidy(frame, wanted, signals)
        optional = tuple(name for name in signals if len(series.lacking(name)))
        described = cls(*roles, tuple(signals), (), (), wanted.missing.value, optional=optional)
        parts = []
        if features:
            settings = params.fc_parameters(wanted.default_fc_parameters)
            plan = Plan.of(settings)
            found = extract(series, {str(number): plan for number in range(len(signals))}, progress, distributor)
            found = found.loc[:, found.notna().any()]
            if found.empty:
                raise TrainingFailed("No feature could be computed of these series; they may be too short.")
            found.columns = [described._outward(name) for name in found.columns]
            _refuse_clashes(signals, found)
            fill = _fill(found, params.imputation(wanted.impute_function))
            described = replace(described, columns=tuple(found.columns), fill=fill)
            imputed = described._imputed(found.to_numpy(dtype="float64"))
            parts.append(pd.DataFrame(imputed, index=found.index, columns=list(found.columns)))
        if raw:
            described = replace(described, columns=(*described.columns, *signals), raw=tuple(signals))
            parts.append(series.raw(signals))
        return described, pd.concat(parts, axis=1) if len(parts) > 1 else parts[0]

    @property
    def features(self) -> list[str]:
        """Names of tsfresh's features among the columns."""
        return [name for name in self.columns if name not in self.raw]

    def only(self, columns: list[str]) -> Self:
        """Return the same, restricted to some features and signals in the order given."""
        fill: dict[str, tuple[float, float, float]] = dict(zip(self.features, self.fill, strict=True))
        raw = tuple(name for name in columns if name in self.signals and name not in fill)
        kept = tuple(fill[name] for name in columns if name not in raw)
        return replace(self, columns=tuple(columns), fill=kept, raw=raw)

    def transform(self, frame: pd.DataFrame, part: str = "raw_data") -> pd.DataFrame:
        """Compute what the model uses, and nothing else.

        Returns
        -------
        DataFrame of shape (n_series, len(columns)), indexed by id in the order in which the ids first occur.

        Raises
        ------
        InvalidData
            Missing values that are refused, a signal that training did not have, a series without one that all of
            training had, or values of which a feature cannot be computed.
        """
        import pandas as pd

        unknown = sorted(set(signals_of(frame, self, part)) - set(self.signals))
        series = tidy(frame, self, list(self.signals))
        self._check_signals(series, unknown, part)
        columns = self._columns(series.signals, len(series.ids))
        return pd.DataFrame(columns, index=series.ids, columns=list(self.columns))

    def straight(self, table: Straight) -> Straight | None:
        """Return what `transform` does, of a table whose series are whole, in order, and one after another; else None.

        Raises
        ------
        InvalidData
        """
        if self.column_kind is not None or (grouped := in_groups(table, self.column_sort, self.signals)) is None:
            return None
        ids, signals = grouped
        return Straight(ids, self._columns(signals, len(ids)))

    def _columns(self, signals: dict[str, Signal], n_series: int) -> dict[str, Array]:
        """Return {name: values of shape (n_series,)} of what the model uses.

        Raises
        ------
        InvalidData
            A feature cannot be computed of these series.
        """
        columns = {name: signals[name].cells() for name in self.raw}
        if self.features:
            names, places = list(self.signals), self._places
            try:
                found = features(
                    [(signals[names[int(number)]], plan) for number, plan in self._plans.items()], n_series
                )
            except TrainingFailed as error:
                raise InvalidData(error.detail) from error
            columns |= dict(zip(self.features, self._imputed(found[:, places]).T, strict=True))
        return columns

    @cached_property
    def _places(self) -> Array:
        """Where the features of the model are among those that the plans compute."""
        import numpy as np

        computed = [self._outward(f"{number}__{name}") for number, plan in self._plans.items() for name in plan.names]
        place = {name: number for number, name in enumerate(computed)}
        return np.array([place[name] for name in self.features])

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read the description back from a manifest."""
        tuples: dict[str, Any] = {
            name: tuple(value[name]) for name in ("signals", "columns", "raw", "optional") if name in value
        }
        return cls(**{**value, **tuples, "fill": tuple(tuple(row) for row in value["fill"])})

    def _check_signals(self, series: Series, unknown: list[str], part: str) -> None:
        lacking = {name: series.lacking(name) for name in self.signals if name not in self.optional}
        faults = [
            Fault(at(part, self.column_kind, name), f"this signal is missing{in_series(self.column_id, ids)}")
            for name, ids in lacking.items()
            if len(ids)
        ]
        faults += [
            Fault(at(part, self.column_kind, name), "the model was not trained with this signal") for name in unknown
        ]
        if faults:
            raise InvalidData("The signals are not those that the model was trained with.", faults)

    def _needed(self) -> dict[str, params.FcParameters]:
        """Return tsfresh's parameters for just the columns of the model."""
        return parameters_of(self._inward(name) for name in self.features)

    @cached_property
    def _plans(self) -> dict[str, Plan]:
        """How just the columns of the model are computed; made once, for all requests."""
        from app.pipelines.tsfresh.calculators.plan import Plan

        return {number: Plan.of(needed) for number, needed in self._needed().items()}

    def _outward(self, name: str) -> str:
        number, _, rest = name.partition("__")
        return f"{self.signals[int(number)]}__{rest}"

    def _inward(self, name: str) -> str:
        """Return tsfresh's name of a feature. Inside, signals are numbered: a name may hold tsfresh's own `__`."""
        number = max(
            (number for number, signal in enumerate(self.signals) if name.startswith(f"{signal}__")),
            key=lambda number: len(self.signals[number]),
        )
        return f"{number}__{name.removeprefix(self.signals[number])[2:]}"

    def _imputed(self, values: Array) -> Array:
        """Return features of shape (n_series, n_features) without missing and infinite ones."""
        import numpy as np

        if np.isfinite(values).all():
            return values
        nan, negative, positive = np.array(self.fill).T
        values = np.where(np.isnan(values), nan, values)
        values = np.where(np.isneginf(values), negative, values)
        return np.where(np.isposinf(values), positive, values)


def _refuse_clashes(signals: list[str], found: pd.DataFrame) -> None:
    """Refuse a signal that is called as a feature of another: a model that reads both could not tell them apart."""
    clashes = [name for name in signals if name in found.columns]
    if clashes:
        raise InvalidData(
            "A signal is called as a feature of another one is; rename it.",
            [Fault(at("raw_data", name), "is the name of a feature as well") for name in clashes],
        )


def _fill(found: pd.DataFrame, imputation: str) -> tuple[tuple[float, float, float], ...]:
    """Return what replaces NaN, -inf and inf in each column."""
    import numpy as np

    if imputation == "zero":
        return ((0.0, 0.0, 0.0),) * len(found.columns)
    finite = found.replace([np.inf, -np.inf], np.nan)
    # A column without one finite value has nothing to take from; tsfresh fills it with 0 too.
    middle, least, most = finite.median().fillna(0), finite.min().fillna(0), finite.max().fillna(0)
    filled: tuple[tuple[float, float, float], ...]
    filled = tuple(zip(middle.tolist(), least.tolist(), most.tolist(), strict=True))
    return filled
