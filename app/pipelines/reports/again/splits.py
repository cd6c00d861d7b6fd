"""Which rows are held out, and the folds of the others: the same as in the training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.pipelines.reports.again.tables import dates

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    #: Rows to learn from, rows held out, and (rows to learn from, rows to test on) a fold.
    Splits = tuple[Array, Array, list[tuple[Array, Array]]]


def shuffled(y: Array, classified: bool, count: int, seed: int) -> Splits:
    """Hold out a fifth of the rows at random, of each class its share."""
    import numpy as np
    from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

    size = max(round(0.2 * len(y)), len(np.unique(y)) if classified else 1)
    stratify = y if classified else None
    seen, unseen = map(
        np.sort, train_test_split(np.arange(len(y)), test_size=size, stratify=stratify, random_state=seed)
    )
    left = y[seen]
    if not classified:
        return seen, unseen, within(seen, KFold(min(count, len(left)), shuffle=True, random_state=seed).split(left))
    rarest = np.bincount(left)[np.unique(left)].min()
    folds = StratifiedKFold(max(2, min(count, rarest)), shuffle=True, random_state=seed).split(left, left)
    return seen, unseen, two_classes(left, seen, folds)


def grouped(y: Array, groups: Array, classified: bool, count: int, seed: int) -> Splits:
    """Hold out about a fifth of the rows, whole groups."""
    import numpy as np

    groups = np.unique(groups.astype("str"), return_inverse=True)[1]
    blocks = np.unique(groups)
    parts = group_folds(y, groups, classified, min(5, len(blocks)), seed)
    seen, unseen = min(parts, key=lambda fold: abs(len(fold[1]) - 0.2 * len(y)))
    left, groups = y[seen], groups[seen]
    folds = group_folds(left, groups, classified, min(count, len(np.unique(groups))), seed)
    return seen, unseen, two_classes(left, seen, folds) if classified else within(seen, folds)


def group_folds(y: Array, groups: Array, classified: bool, count: int, seed: int) -> list[tuple[Array, Array]]:
    """Return folds of whole groups."""
    import warnings

    import numpy as np
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    if not classified:
        return list(GroupKFold(count, shuffle=True, random_state=seed).split(y, y, groups))
    kind = StratifiedGroupKFold(min(count, np.bincount(y).max()), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [fold for fold in kind.split(y, y, groups) if len(fold[1])]


def in_time(y: Array, times: Array, classified: bool, count: int) -> Splits:
    """Hold out the latest fifth of the rows; each fold is tested on what comes after it."""
    import numpy as np
    import pandas as pd
    from sklearn.model_selection import TimeSeriesSplit

    if times.dtype.kind not in "ifM":
        times = dates(pd.Series(times)).to_numpy()
    place = np.unique(times, return_inverse=True)[1]
    fitting = int(np.searchsorted(np.bincount(place)[::-1].cumsum(), 0.2 * len(y), side="right"))
    last = min(max(1, fitting), int(place.max()) - 1)
    held_out = place > place.max() - last
    seen, unseen = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    place = np.unique(place[seen], return_inverse=True)[1]
    different, count = np.arange(place.max() + 1), min(count, int(place.max()))
    stretches = TimeSeriesSplit(count).split(different) if count > 1 else [(different[:1], different[1:])]
    folds = [
        (np.flatnonzero(np.isin(place, before)), np.flatnonzero(np.isin(place, after))) for before, after in stretches
    ]
    return seen, unseen, two_classes(y[seen], seen, folds) if classified else within(seen, folds)


def backtest(ends: Array, targets: Array, count: int, horizon: int) -> Splits:
    """Test each stretch of time on a model of what lies before it; the last stretch is held out.

    Parameters
    ----------
    ends, targets
        Positions in time of the last value of each window, and of what is forecast.
    """
    import numpy as np

    times = np.unique(ends)
    earliest = int(np.searchsorted(times, targets.min(), side="right"))
    count = min(count + 1, len(times) - earliest)
    first = max(earliest, len(times) // (count + 1))
    bounds = times[np.linspace(first, len(times), count + 1).astype("int64")[:-1]]
    parts = [
        (np.flatnonzero(targets < begin), np.flatnonzero((ends >= begin) & (ends < end)))
        for begin, end in zip(bounds, [*bounds[1:], np.inf], strict=True)
    ]
    seen, unseen = parts[-1]
    folds = [tuple(np.intersect1d(part, seen) for part in fold) for fold in parts[:-1]]
    return seen, unseen, [(learned, tested) for learned, tested in folds if len(learned) and len(tested)]


def within(seen: Array, folds: Any) -> list[tuple[Array, Array]]:
    """Return folds of the rows that are not held out, by their positions among all rows."""
    return [(seen[learned], seen[tested]) for learned, tested in folds]


def two_classes(left: Array, seen: Array, folds: Any) -> list[tuple[Array, Array]]:
    """Return the folds whose training part has more than one class."""
    import numpy as np

    return within(seen, [fold for fold in folds if len(np.unique(left[fold[0]])) > 1])
