"""tsfresh's features of long time series, the same in training and in serving."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from app.errors import Fault, InvalidData, TrainingFailed, at
from app.payloads.parameters import ExtractFeatures
from app.pipelines.base import Progress
from app.pipelines.tsfresh import params

if TYPE_CHECKING:
    import pandas as pd

#: Characters of a calculator's own words about why it failed.
_WORDS = 200

#: Series extracted between two reports of progress.
_CHUNK = 50


@dataclass(frozen=True)
class SeriesFeatures:
    """How the features of a trained pipeline are computed.

    Attributes
    ----------
    signals
        Names of the signals: the value columns, or the values of `column_kind`.
    columns
        Features that the model uses, in its order: `<signal>__<calculator>…`.
    fill
        For each of the columns the values that stand in for NaN, -inf and inf.
    """

    column_id: str
    column_sort: str | None
    column_kind: str | None
    column_value: str | None
    signals: tuple[str, ...]
    columns: tuple[str, ...]
    fill: tuple[tuple[float, float, float], ...]

    @classmethod
    def fit(cls, frame: pd.DataFrame, wanted: ExtractFeatures, progress: Progress) -> tuple[Self, pd.DataFrame]:
        """Compute all wanted features of the training series.

        Returns
        -------
        The features' description, and a DataFrame of shape (n_series, n_features) indexed by id in the order in which
        the ids first occur. Features that are missing in every series are left out.

        Raises
        ------
        InvalidData, InvalidParameters, TrainingFailed
        """
        signals = signals_of(frame, wanted)
        empty = cls(
            wanted.column_id, wanted.column_sort, wanted.column_kind, wanted.column_value, tuple(signals), (), ()
        )
        settings = params.fc_parameters(wanted.default_fc_parameters)
        raw = empty._extract(frame, {str(number): settings for number in range(len(signals))}, progress)
        raw = raw.loc[:, raw.notna().any()]
        if raw.empty:
            raise TrainingFailed("No feature could be computed of these series; they may be too short.")
        raw.columns = [empty._outward(name) for name in raw.columns]
        fill = _fill(raw, params.imputation(wanted.impute_function))
        features = cls(**{**asdict(empty), "columns": tuple(raw.columns), "fill": fill, "signals": tuple(signals)})
        return features, features._imputed(raw)

    def only(self, columns: list[str]) -> Self:
        """Return the same features, restricted to some columns in the order given."""
        fill = dict(zip(self.columns, self.fill, strict=True))
        changed = {"columns": tuple(columns), "fill": tuple(fill[name] for name in columns)}
        return type(self)(**{**asdict(self), "signals": self.signals, **changed})

    def transform(self, frame: pd.DataFrame, part: str = "raw_data") -> pd.DataFrame:
        """Compute the features that the model uses, and no others.

        Returns
        -------
        DataFrame of shape (n_series, len(columns)), indexed by id in the order in which the ids first occur.

        Raises
        ------
        InvalidData
            Missing values, or a signal that training did not have.
        """
        found = set(signals_of(frame, self, part))
        if found != set(self.signals):
            faults = [
                Fault(at(part, self.column_kind, name), "this signal is missing")
                for name in self.signals
                if name not in found
            ]
            faults += [
                Fault(at(part, self.column_kind, name), "the model was not trained with this signal")
                for name in sorted(found - set(self.signals))
            ]
            raise InvalidData("The signals are not those that the model was trained with.", faults)
        raw = self._extract(frame, self._needed())
        raw.columns = [self._outward(name) for name in raw.columns]
        # A feature that these series are too short for is missing here and imputed.
        return self._imputed(raw.reindex(columns=list(self.columns)))

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read the description back from a manifest."""
        lists = {"signals": tuple(value["signals"]), "columns": tuple(value["columns"])}
        return cls(**{**value, **lists, "fill": tuple(tuple(row) for row in value["fill"])})

    def _needed(self) -> dict[str, params.FcParameters]:
        """Return tsfresh's parameters for just the columns of the model."""
        from tsfresh.feature_extraction.settings import from_columns

        needed: dict[str, params.FcParameters] = from_columns([self._inward(name) for name in self.columns])
        return needed

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

    def _extract(
        self, frame: pd.DataFrame, wanted: dict[str, params.FcParameters], progress: Progress | None = None
    ) -> pd.DataFrame:
        """Run tsfresh on numbered signals, in chunks of series when somebody watches."""
        import pandas as pd

        ids = frame[self.column_id].unique()
        if progress is None or len(ids) <= _CHUNK:
            return self._extract_chunk(frame, wanted).reindex(ids)
        chunks = []
        for start in range(0, len(ids), _CHUNK):
            progress("features", start / len(ids))
            chunk = frame[frame[self.column_id].isin(ids[start : start + _CHUNK])]
            chunks.append(self._extract_chunk(chunk, wanted))
        return pd.concat(chunks).reindex(ids)

    def _extract_chunk(self, frame: pd.DataFrame, wanted: dict[str, params.FcParameters]) -> pd.DataFrame:
        from tsfresh import extract_features

        named = self._inside(frame)
        with warnings.catch_warnings():
            # A calculator that a short series is too short for warns, and gives NaN, which is imputed.
            warnings.simplefilter("ignore")
            try:
                return extract_features(
                    named,
                    column_id="id",
                    column_sort="sort" if self.column_sort else None,
                    column_kind="kind" if self.column_kind else None,
                    column_value="value" if self.column_kind else None,
                    kind_to_fc_parameters=wanted,
                    default_fc_parameters={},
                    disable_progressbar=True,
                    # In this process: a pool costs more than it gains, and would outlive a killed training.
                    n_jobs=0,
                )
            except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, AssertionError) as error:
                # What a calculator says of its arguments; of the series it knows numbers only.
                words = " ".join(str(error).split())[:_WORDS]
                raise TrainingFailed(f"A feature could not be computed of these series: {words}") from error

    def _inside(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a frame under names of our own, whatever the caller's columns are called; signals are numbered."""
        import pandas as pd

        numbers = {signal: str(number) for number, signal in enumerate(self.signals)}
        named = {"id": frame[self.column_id]}
        if self.column_sort:
            named["sort"] = frame[self.column_sort]
        if self.column_kind:
            named["kind"] = frame[self.column_kind].astype("str").map(numbers)
            known = (self.column_id, self.column_sort, self.column_kind)
            value = self.column_value or next(name for name in frame.columns if name not in known)
            return pd.DataFrame({**named, "value": frame[value]})
        return pd.DataFrame({**named, **{number: frame[signal] for signal, number in numbers.items()}})

    def _imputed(self, raw: pd.DataFrame) -> pd.DataFrame:
        import numpy as np

        values = raw.to_numpy(dtype="float64", copy=True)
        nan, negative, positive = np.array(self.fill).T
        values = np.where(np.isnan(values), nan, values)
        values = np.where(np.isneginf(values), negative, values)
        values = np.where(np.isposinf(values), positive, values)
        return type(raw)(values, index=raw.index, columns=list(self.columns))


def signals_of(frame: pd.DataFrame, settings: ExtractFeatures | SeriesFeatures, part: str = "raw_data") -> list[str]:
    """Name the signals of a frame; their values must be there.

    Raises
    ------
    InvalidData
    """
    named = (settings.column_id, settings.column_sort, settings.column_kind)
    values = [settings.column_value] if settings.column_value else [name for name in frame.columns if name not in named]
    empty = [name for name in (*values, *filter(None, named)) if frame[name].isna().any()]
    if empty:
        raise InvalidData(
            "A time series must have a value in every row.",
            [Fault(at(part, name), f"{int(frame[name].isna().sum())} row(s) are empty") for name in empty],
        )
    if settings.column_kind:
        return list(frame[settings.column_kind].astype("str").unique())
    return [str(name) for name in values]


def _fill(raw: pd.DataFrame, imputation: str) -> tuple[tuple[float, float, float], ...]:
    """Return what replaces NaN, -inf and inf in each column."""
    import numpy as np

    if imputation == "zero":
        return ((0.0, 0.0, 0.0),) * len(raw.columns)
    finite = raw.replace([np.inf, -np.inf], np.nan)
    # A column without one finite value has nothing to take from; tsfresh fills it with 0 too.
    middle, least, most = finite.median().fillna(0), finite.min().fillna(0), finite.max().fillna(0)
    filled: tuple[tuple[float, float, float], ...]
    filled = tuple(zip(middle.tolist(), least.tolist(), most.tolist(), strict=True))
    return filled
