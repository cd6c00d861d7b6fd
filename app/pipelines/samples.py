"""From joined rows and labels to what an estimator learns from: X, y, and which rows belong together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.payloads.parameters import ExtractFeatures, Kind, Task
from app.payloads.training import Training
from app.pipelines import registry
from app.pipelines.base import Progress
from app.pipelines.processes import ChildDied, ChildFailed, stream

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.pipelines.tsfresh import SeriesFeatures
    from app.pipelines.tsfresh.backtest import Order
    from app.pipelines.tsfresh.windows import WindowFeatures

    Array = np.ndarray[Any, Any]

#: tsfresh's sets that an engine that picks has a choice of: the largest whose features all differ, and the quick one.
SETS = ("EfficientFCParameters()", "MinimalFCParameters()")

#: Series or rows that a first model is made of.
FEW = 200

#: Share of a training's time that computing features may take, and series that are tried to estimate it.
SHARE, PROBED = 0.3, 4


@dataclass(frozen=True)
class Samples:
    """What is learned from.

    Attributes
    ----------
    X
        DataFrame of shape (n_samples, n_features), columns as `kinds` says; see `Problem`.
    y
        Class codes or targets, shape (n_samples,).
    classes
        Labels by code, sorted; of two the positive one is the last. Empty for numbers.
    features
        How X is computed from series; None for a table.
    groups, times, weights
        One a sample, shape (n_samples,), or None.
    order
        Of a forecasting: where in time each sample's window and target end.
    selects
        Whether each fold keeps only the features that are relevant to its labels.
    """

    X: pd.DataFrame
    y: Array
    kinds: dict[str, Kind]
    classes: tuple[Any, ...]
    features: SeriesFeatures | WindowFeatures | None = None
    groups: Array | None = None
    times: Array | None = None
    weights: Array | None = None
    order: Order | None = None
    selects: bool = False

    def at(self, rows: Array) -> Samples:
        """Return the samples at these positions of a table."""
        groups, times, weights = (
            None if values is None else values[rows] for values in (self.groups, self.times, self.weights)
        )
        return replace(self, X=self.X.iloc[rows], y=self.y[rows], groups=groups, times=times, weights=weights)


@dataclass(frozen=True)
class Chosen:
    """What an engine that picks learns from, as nobody has asked for it.

    Another attempt at the training, and a row of it that is promoted, have to learn from the same.

    Attributes
    ----------
    features
        Name of tsfresh's set; None where there are no features, or the caller has listed them.
    rows
        Number of rows that are drawn; None for all.
    folds
        Number of folds that candidates are tried on, the last ones; None for all.
    """

    features: str | None = None
    rows: int | None = None
    folds: int | None = None


def with_affordable_features(
    training: Training, seconds: float, progress: Progress, chosen: str | None = None
) -> Training:
    """Choose the features for an engine that picks, where the caller names none: the most that there is time for.

    Parameters
    ----------
    seconds
        Of the whole training.
    chosen
        What an earlier attempt has chosen: its scores are of those features.
    """
    wanted = training.parameters.extract_features
    if wanted is None or not registry.picks(training.parameters) or "default_fc_parameters" in wanted.model_fields_set:
        return training
    if training.task is Task.FORECASTING:
        return training
    rich, small = (wanted.model_copy(update={"default_fc_parameters": name}) for name in SETS)
    if chosen is None:
        features = rich if _seconds(training, rich, SHARE * seconds, progress) <= SHARE * seconds else small
    else:
        features = wanted.model_copy(update={"default_fc_parameters": chosen})
    return replace(training, parameters=training.parameters.model_copy(update={"extract_features": features}))


def few(training: Training) -> Training:
    """Return a training of few of the rows, or of the series under the smallest set of features: for a first model."""
    import pandas as pd

    labels, wanted = training.labels, training.parameters.extract_features
    alone: dict[str, Any] = {"groups": None, "times": None, "weights": None}
    if wanted is None:
        places = _few_labels(training)
        return replace(training, frame=training.frame.iloc[places], labels=labels.iloc[places], **alone)
    small = training.parameters.model_copy(
        update={"extract_features": wanted.model_copy(update={"default_fc_parameters": SETS[-1], "select": False})}
    )
    if training.task is Task.FORECASTING:
        newest = _newest(training)
        return replace(training, parameters=small, frame=newest, labels=newest[training.parameters.target])
    kept = labels.iloc[_few_labels(training)]
    frame = training.frame[training.frame[wanted.column_id].isin(pd.Index(kept.index))]
    return replace(training, parameters=small, frame=frame, labels=kept, **alone)


def _few_labels(training: Training) -> Array:
    """Return the positions of the first labels, of each class some."""
    import numpy as np

    labels = training.labels
    if training.task is Task.REGRESSION:
        return np.arange(min(FEW, len(labels)))
    most = max(10, FEW // labels.nunique())
    return np.flatnonzero((labels.groupby(labels).cumcount() < most).to_numpy())


def _newest(training: Training) -> pd.DataFrame:
    """Return the newest rows of some series, of which about `FEW` windows can be cut, sorted."""
    import pandas as pd

    from app.pipelines.tsfresh.series import in_order

    wanted, forecast = training.parameters.extract_features, training.parameters.forecast
    assert wanted is not None
    assert forecast is not None
    codes, ids, order = in_order(training.frame, wanted)
    frame, series = training.frame.iloc[order], pd.Series(codes[order])
    n_rows = forecast.window + forecast.horizon + FEW // len(ids)
    from_the_end = series.groupby(series).cumcount(ascending=False)
    return frame[((from_the_end < n_rows) & (series < FEW)).to_numpy()]


def _seconds(training: Training, wanted: ExtractFeatures, most: float, progress: Progress) -> float:
    """Estimate the seconds that the features of all series take, from those of a few; infinity beyond `most`."""
    ids = training.frame[wanted.column_id].unique()
    few = training.frame[training.frame[wanted.column_id].isin(ids[:PROBED])]

    def told() -> bool:
        progress("features", 0.0)
        return True

    try:
        (one,) = stream(_timed, few, wanted, seconds=most, wanted=told)
    except (TimeoutError, ChildFailed, ChildDied):
        return float("inf")
    return float(one * len(ids) / min(PROBED, len(ids)))


def _timed(frame: pd.DataFrame, wanted: ExtractFeatures) -> Iterator[float]:
    from app.pipelines.tsfresh import SeriesFeatures

    first = frame[wanted.column_id].iloc[0]
    # The first call imports; the second is what each series takes.
    SeriesFeatures.fit(frame[frame[wanted.column_id] == first], wanted, lambda *_, **__: None)
    started = time.monotonic()
    SeriesFeatures.fit(frame, wanted, lambda *_, **__: None)
    yield time.monotonic() - started


def make(training: Training, progress: Progress, scheduler: str | None = None) -> Samples:
    """Compute the features of a training.

    Raises
    ------
    InvalidData, InvalidParameters, TrainingFailed
    """
    if training.task is Task.FORECASTING:
        return _windows(training, progress, scheduler)
    labels = training.labels.to_numpy()
    classes: tuple[Any, ...] = ()
    if training.task is Task.CLASSIFICATION:
        classes, y = encode(labels, training.positive_class)
    else:
        y = labels.astype("float64")
    beside: dict[str, Any] = {
        "groups": training.groups,
        "times": training.times,
        "weights": training.weights,
        "classes": classes,
        "y": y,
    }
    wanted = training.parameters.extract_features
    if wanted is None:
        names = training.signature.names("feature")
        kinds = {column.name: column.kind for column in training.signature.columns if column.role == "feature"}
        rows = training.frame[names].set_axis(training.labels.index, axis=0)
        return Samples(X=rows, kinds=kinds, **beside)
    from app.pipelines.tsfresh import SeriesFeatures
    from app.pipelines.tsfresh.distribute import distributor

    reads = registry.reads(training.parameters)
    with distributor(scheduler) as where:
        features, X = SeriesFeatures.fit(
            training.frame,
            wanted,
            progress,
            raw="signals" in reads,
            features="features" in reads,
            distributor=where,
        )
    kinds = {name: Kind.SIGNAL if name in features.raw else Kind.NUMBER for name in X.columns}
    return Samples(X=X, kinds=kinds, features=features, selects=wanted.select, **beside)


def _windows(training: Training, progress: Progress, scheduler: str | None) -> Samples:
    from app.pipelines.tsfresh.distribute import distributor
    from app.pipelines.tsfresh.windows import WindowFeatures

    wanted, forecast = training.parameters.extract_features, training.parameters.forecast
    assert wanted is not None
    assert forecast is not None
    target = training.parameters.target
    with distributor(scheduler) as where:
        features, X, y, order = WindowFeatures.fit(
            training.frame, wanted, forecast, target, progress, where, training.parameters.seed
        )
    return Samples(X=X, y=y, kinds=dict.fromkeys(X.columns, Kind.NUMBER), classes=(), features=features, order=order)


def encode(labels: Array, positive: object) -> tuple[tuple[Any, ...], Array]:
    """Return the classes and the code of each label; the positive class of two is the last."""
    import numpy as np

    names, codes = np.unique(labels.astype("object"), return_inverse=True)
    classes = tuple(names.tolist())
    if len(classes) == 2 and classes[0] == positive:
        return classes[::-1], 1 - codes
    return classes, codes
