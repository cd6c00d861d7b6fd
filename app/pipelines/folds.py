"""Which rows are learned from and which are tested on, so that no test row has leaked into its training.

Of series one thing is taken from all of them before: what fills a feature that some series are too short for, see
`SeriesFeatures.fit`.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidData, InvalidParameters, at
from app.payloads.parameters import Task, TrainParameters
from app.payloads.training import Training

if TYPE_CHECKING:
    import numpy as np

    Fold = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]

#: Share of the rows that are held out of the search.
HOLDOUT = 0.2


#: Groups up to which folds are made at the upload already, to see that they can be: two of them take a millisecond.
#: Of more there hardly is a way to make none.
FEW_GROUPS = 1_000


def wanted(parameters: TrainParameters) -> int:
    """Return how many folds a training asks for: by `folds`, or by what TPOT calls `cv`."""
    if _named(parameters)[-1:] == ("cv",):
        return int(parameters.model_training.model_args["cv"])
    return parameters.folds


def _named(parameters: TrainParameters) -> tuple[str, ...]:
    """Return the steps to the parameter that says how many folds; none where nobody says."""
    training = parameters.model_training
    if "folds" in parameters.model_fields_set:
        return ("folds",)
    is_cv = (training.model or "").startswith("tpot.") and "cv" in training.model_args
    return ("model_training", "model_args", "cv") if is_cv else ()


def check(training: Training, y: np.ndarray[Any, Any]) -> None:
    """Refuse groups or times that folds cannot be made of, at the upload: with what `hold_out` and `folds` say.

    A number of folds that is named must be possible; where none is, there are as many as can be made. Without groups
    or times, what is asked of the labels is enough.

    Parameters
    ----------
    y
        Class codes or targets, shape (n_samples,).

    Raises
    ------
    InvalidData, InvalidParameters
    """
    parameters, groups, times = training.parameters, training.groups, training.times
    role, values = ("groups", groups) if times is None else ("time", times)
    if values is None:
        return
    count, different = wanted(parameters), int(_blocks(values, role).max()) + 1
    # One is held out; of times, another one comes before the first that is tested on.
    most = different - (1 if times is None else 2)
    if count > most and (named := _named(parameters)):
        raise InvalidParameters(
            f"{getattr(parameters, role)} has {different} different values, too few for {count} folds and a hold-out.",
            [Fault(at("params", *named), f"must be at most {most}; left out, there are as many folds as can be made")],
        )
    if training.task is Task.CLASSIFICATION and (times is not None or different <= FEW_GROUPS):
        seen, _ = hold_out(y, True, parameters.seed, groups, times)
        groups, times = (None if values is None else values[seen] for values in (groups, times))
        folds(y[seen], True, count, parameters.seed, groups, times)


def hold_out(
    y: np.ndarray[Any, Any],
    classified: bool,
    seed: int,
    groups: np.ndarray[Any, Any] | None = None,
    times: np.ndarray[Any, Any] | None = None,
) -> Fold:
    """Return the positions to search on and those held out, both in ascending order.

    Each class is held out in its share; groups stay whole, those that together come nearest to the share; of times the
    last ones are held out.

    Raises
    ------
    InvalidData
        Fewer than three groups or times.
    """
    import numpy as np
    from sklearn.model_selection import train_test_split

    if times is not None:
        latest = _blocks(times, "time")
        # The latest times that together make up the share, at least one of them; two are left for a fold.
        counts = np.bincount(latest)[::-1].cumsum()
        last = min(max(1, int(np.searchsorted(counts, HOLDOUT * len(y), side="right"))), int(latest.max()) - 1)
        unseen = latest > latest.max() - last
        return np.flatnonzero(~unseen), np.flatnonzero(unseen)
    if groups is not None:
        groups = _blocks(groups, "groups")
        wanted = min(round(1 / HOLDOUT), len(np.unique(groups)))
        # One of the folds may have a group that is much larger than the others.
        parts = _grouped(y, classified, seed, groups, wanted)
        return min(parts, key=lambda fold: abs(len(fold[1]) - HOLDOUT * len(y)))
    # With many classes of few rows a fifth may have fewer places than there are classes.
    held = max(round(HOLDOUT * len(y)), len(np.unique(y)) if classified else 1)
    seen, unseen = train_test_split(
        np.arange(len(y)), test_size=held, stratify=y if classified else None, random_state=seed
    )
    return np.sort(seen), np.sort(unseen)


def folds(
    y: np.ndarray[Any, Any],
    classified: bool,
    count: int,
    seed: int,
    groups: np.ndarray[Any, Any] | None = None,
    times: np.ndarray[Any, Any] | None = None,
) -> tuple[Fold, ...]:
    """Return (training positions, test positions) of at most `count` folds.

    Shuffled and stratified by class; with groups, each group is in one test part; with times, each fold is tested on
    a stretch that comes after all that it was trained on. A fold whose training part has a single class is left out.

    Raises
    ------
    InvalidData
        Too few groups or times, or no fold is left.
    """
    import numpy as np
    from sklearn.model_selection import KFold, StratifiedKFold, TimeSeriesSplit

    if times is not None:
        latest = np.unique(times, return_inverse=True)[1]
        different, count = np.arange(latest.max() + 1), min(count, int(latest.max()))
        # scikit-learn's makes two folds or more; of two times there is one.
        stretches = TimeSeriesSplit(count).split(different) if count > 1 else [(different[:1], different[1:])]
        found = [
            (np.flatnonzero(np.isin(latest, before)), np.flatnonzero(np.isin(latest, after)))
            for before, after in stretches
        ]
    elif groups is not None:
        found = _grouped(y, classified, seed, groups, min(count, len(np.unique(groups))))
    elif classified:
        # A rare class may have lost rows to the hold-out.
        rarest = int(np.bincount(y.astype("int64"))[np.unique(y)].min())
        kind = StratifiedKFold(max(2, min(count, rarest)), shuffle=True, random_state=seed)
        found = list(kind.split(y, y))
    else:
        found = list(KFold(min(count, len(y)), shuffle=True, random_state=seed).split(y))
    kept = [(seen, unseen) for seen, unseen in found if not classified or len(np.unique(y[seen])) > 1]
    if not kept:
        raise InvalidData(
            "No fold can be made that is trained on more than one class.",
            [Fault("/params", "the classes must occur in more of the groups, or earlier in time")],
        )
    return tuple(kept)


def _blocks(values: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    import numpy as np

    blocks: np.ndarray[Any, Any] = np.unique(values, return_inverse=True)[1]
    if blocks.max() < 2:
        raise InvalidData(
            f"The {name} column has {blocks.max() + 1} value(s); a hold-out and a fold need three.",
            [Fault(f"/params/{name}", "has too few different values")],
        )
    return blocks


def _grouped(
    y: np.ndarray[Any, Any], classified: bool, seed: int, groups: np.ndarray[Any, Any], count: int
) -> list[Fold]:
    import numpy as np
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    if classified and (count := min(count, int(np.bincount(y.astype("int64")).max()))) < 2:
        # The hold-out took the one group of many rows.
        return []
    with warnings.catch_warnings():
        # That a class has fewer groups than there are folds is seen in the folds themselves.
        warnings.simplefilter("ignore")
        if classified:
            kind = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
            return [fold for fold in kind.split(y, y, groups) if len(fold[1])]
        return list(GroupKFold(count, shuffle=True, random_state=seed).split(y, y, groups))
