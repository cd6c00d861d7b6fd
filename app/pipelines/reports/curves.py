"""What a model's predictions of held-out rows look like, beyond one number: curves, as plain JSON."""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    Array = np.ndarray[Any, Any]

#: Points of one curve, and of the curves of all classes together. A few corners are left to each in any case.
POINTS, POINTS_TOGETHER, FEWEST_POINTS = 200, 4_000, 20

#: Bins of predicted probabilities, and of residuals.
BINS, RESIDUAL_BINS = 10, 30

#: Pairs of a predicted and a true number.
PAIRS = 500

#: Shares of the rows whose error is no larger than what is told of them.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)

#: Digits that are told of a number.
_DIGITS = 6


def roc(
    y: Array, probabilities: Array, classes: tuple[Any, ...], sample_weight: Array | None = None
) -> list[dict[str, Any]]:
    """Return receiver operating characteristics, each class against the rest; of two classes that of the last.

    Parameters
    ----------
    y
        Class codes, shape (n_samples,).
    probabilities
        Shape (n_samples, n_classes).
    classes
        Labels by code.
    sample_weight
        Shape (n_samples,).

    Returns
    -------
    {"class", "auc", "false_positive_rate", "true_positive_rate", "thresholds"} a class. Above the highest threshold
    nothing is positive: the first one is None. `auc` is None, and lists are empty, where y has one side only.
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    most, found = _most(classes), []
    for label, positive, scores, weights in _one_against_rest(y, probabilities, classes, sample_weight):
        described: dict[str, Any] = {"class": label, "auc": None}
        false, true, thresholds = [], [], []
        if _two_sided(positive, weights):
            false, true, thresholds = roc_curve(positive, scores, sample_weight=weights)
            described["auc"] = number(roc_auc_score(positive, scores, sample_weight=weights))
            kept = corners(false, true, most)
            false, true, thresholds = false[kept], true[kept], thresholds[kept]
        described |= {"false_positive_rate": numbers(false), "true_positive_rate": numbers(true)}
        found.append(described | {"thresholds": numbers(thresholds)})
    return found


def precision_recall(
    y: Array, probabilities: Array, classes: tuple[Any, ...], sample_weight: Array | None = None
) -> list[dict[str, Any]]:
    """Return precision by recall, each class against the rest; of two classes that of the last.

    Parameters are those of `roc`.

    Returns
    -------
    {"class", "average_precision", "share", "precision", "recall", "thresholds"} a class. `share` is the class's own of
    the rows: the precision of a guess. Its last point has no threshold: None.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    most, found = _most(classes), []
    for label, positive, scores, weights in _one_against_rest(y, probabilities, classes, sample_weight):
        described: dict[str, Any] = {"class": label, "average_precision": None, "share": _share(positive, weights)}
        precision, recall, thresholds = [], [], []
        if _two_sided(positive, weights):
            precision, recall, thresholds = precision_recall_curve(positive, scores, sample_weight=weights)
            described["average_precision"] = number(average_precision_score(positive, scores, sample_weight=weights))
            kept = corners(recall, precision, most)
            precision, recall = precision[kept], recall[kept]
            thresholds = [thresholds[place] if place < len(thresholds) else math.nan for place in kept]
        described |= {"precision": numbers(precision), "recall": numbers(recall)}
        found.append(described | {"thresholds": numbers(thresholds)})
    return found


def calibration(
    y: Array, probabilities: Array, classes: tuple[Any, ...], sample_weight: Array | None = None
) -> list[dict[str, Any]]:
    """Tell how often what was predicted with a probability was so, each class against the rest; of two the last.

    Parameters are those of `roc`.

    Returns
    -------
    {"class", "brier", "mean_predicted", "fraction_of_positives", "counts"} a class, lists by bin: `BINS` of equal width
    from 0 to 1, of which empty ones are left out. `counts` are rows, whatever these weigh. The Brier score is the mean
    squared error of the probability.
    """
    import numpy as np

    found = []
    for label, positive, scores, weights in _one_against_rest(y, probabilities, classes, sample_weight):
        bins = np.clip((scores * BINS).astype("int64"), 0, BINS - 1)
        heavy = np.ones(len(scores)) if weights is None else weights
        total = np.bincount(bins, heavy, BINS)
        kept = np.flatnonzero(total > 0)
        predicted, positives = np.bincount(bins, heavy * scores, BINS), np.bincount(bins, heavy * positive, BINS)
        whole = total.sum()
        brier = number((heavy * (scores - positive) ** 2).sum() / whole) if whole > 0 else None
        found.append(
            {
                "class": label,
                "brier": brier,
                "mean_predicted": numbers(predicted[kept] / total[kept]),
                "fraction_of_positives": numbers(positives[kept] / total[kept]),
                "counts": np.bincount(bins, minlength=BINS)[kept].tolist(),
            }
        )
    return found


def gains(
    y: Array, probabilities: Array, classes: tuple[Any, ...], sample_weight: Array | None = None
) -> list[dict[str, Any]]:
    """Tell how much of a class is found among the rows with its highest scores, each against the rest; of two the last.

    Parameters are those of `roc`.

    Returns
    -------
    {"class", "rows", "positives", "lift"} a class, in the order of `roc`: shares from 0 to 1, both cumulative, and the
    ratio of the two. Rows of one score come in together, so that their order tells nothing. Lists are empty where y has
    one side only.
    """
    import numpy as np

    most, found = _most(classes), []
    for label, positive, scores, weights in _one_against_rest(y, probabilities, classes, sample_weight):
        described: dict[str, Any] = {"class": label, "rows": [], "positives": [], "lift": []}
        if _two_sided(positive, weights):
            rows, positives = _gained(positive, scores, weights)
            kept = corners(rows, positives, most)
            rows, positives = rows[kept], positives[kept]
            lift = np.divide(positives, rows, out=np.full(len(rows), np.nan), where=rows > 0)
            described |= {"rows": numbers(rows), "positives": numbers(positives), "lift": numbers(lift)}
        found.append(described)
    return found


def _gained(positive: Array, scores: Array, weights: Array | None) -> tuple[Array, Array]:
    """Return which share of the rows is looked at, and which of the positives found, down to each score."""
    import numpy as np

    heavy = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(-scores, kind="stable")
    last_of_score = np.append(np.diff(scores[order]) != 0, True)
    rows, positives = (
        np.append(0.0, (weight[order].cumsum() / weight.sum())[last_of_score]) for weight in (heavy, heavy * positive)
    )
    return rows, positives


def residuals(y: Array, predicted: Array, sample_weight: Array | None = None, seed: int = 0) -> dict[str, Any]:
    """Describe the errors of predicted numbers: true minus predicted.

    Parameters
    ----------
    y, predicted
        Shape (n_samples,).
    seed
        Of the sample.

    Returns
    -------
    {"bias", "histogram": {"edges", "counts"}, "absolute_error": {quantile: error}, "sample": {"predicted", "true"}}.
    The bias is the mean residual. `counts` are rows; what lies beyond the outermost edges counts in the outermost
    bins, so that a single miss does not squeeze all the others into one. The sample is of `PAIRS` rows at most.
    """
    import numpy as np

    y, predicted = np.asarray(y, dtype="float64"), np.asarray(predicted, dtype="float64")
    errors = y - predicted
    # Rows that all weigh nothing, as the latest may, have neither a mean nor a quantile: they count alike.
    heavy = np.ones(len(errors)) if sample_weight is None or not sample_weight.any() else sample_weight
    low, high = np.quantile(errors, [0.005, 0.995])
    edges = np.linspace(low, high, RESIDUAL_BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
    counts = np.histogram(errors.clip(edges[0], edges[-1]), edges)[0]
    chosen = np.arange(len(y))
    if len(y) > PAIRS:
        chosen = np.sort(np.random.default_rng(seed).choice(len(y), PAIRS, replace=False))
    absolute = np.abs(errors)
    told = np.quantile(absolute, QUANTILES, weights=heavy, method="inverted_cdf")
    return {
        "bias": number(np.average(errors, weights=heavy)),
        "histogram": {"edges": numbers(edges), "counts": counts.tolist()},
        "absolute_error": {f"{share:g}": error for share, error in zip(QUANTILES, numbers(told), strict=True)},
        "sample": {"predicted": numbers(predicted[chosen]), "true": numbers(y[chosen])},
    }


def corners(x: Array, y: Array, most: int) -> Array:
    """Choose at most `most` points of a curve between which straight lines stay closest to it.

    The ends are kept. Then, again and again, the point that lies farthest from the lines so far (Ramer 1972, Douglas
    and Peucker 1973).

    Returns
    -------
    Positions in ascending order.
    """
    import numpy as np

    if len(x) <= most:
        return np.arange(len(x))
    kept = {0, len(x) - 1}
    waiting = [_farthest(x, y, 0, len(x) - 1)]
    while waiting and len(kept) < most:
        distance, place, first, last = heapq.heappop(waiting)
        if distance == 0:
            break
        kept.add(place)
        for part in ((first, place), (place, last)):
            if part[1] - part[0] > 1:
                heapq.heappush(waiting, _farthest(x, y, *part))
    return np.array(sorted(kept))


def _farthest(x: Array, y: Array, first: int, last: int) -> tuple[float, int, int, int]:
    """Return how far the farthest point between two others is from their line, negated, and which one it is."""
    import numpy as np

    inside = slice(first + 1, last)
    along, up = x[last] - x[first], y[last] - y[first]
    distances = np.abs(along * (y[inside] - y[first]) - up * (x[inside] - x[first]))
    distances = distances / (math.hypot(along, up) or 1.0)
    place = int(distances.argmax())
    return -float(distances[place]), first + 1 + place, first, last


def number(value: Any) -> float | None:
    """Return a number as JSON has it: None in place of NaN and infinity."""
    plain = float(value)
    return float(f"{plain:.{_DIGITS}g}") if math.isfinite(plain) else None


def numbers(values: Any) -> list[float | None]:
    """Return a list of numbers as JSON has it."""
    return [number(value) for value in values]


def _one_against_rest(
    y: Array, probabilities: Array, classes: tuple[Any, ...], weights: Array | None
) -> Iterator[tuple[Any, Array, Array, Array | None]]:
    """Yield label, which rows are of the class, the class's probabilities and the weights."""
    codes = range(len(classes)) if len(classes) > 2 else [len(classes) - 1]
    for code in codes:
        yield classes[code], (y == code).astype("float64"), probabilities[:, code], weights


def _two_sided(positive: Array, weights: Array | None) -> bool:
    share = _share(positive, weights)
    return share is not None and 0 < share < 1


def _share(positive: Array, weights: Array | None) -> float | None:
    import numpy as np

    if not len(positive) or (weights is not None and not weights.sum() > 0):
        return None
    return number(np.average(positive, weights=weights))


def _most(classes: tuple[Any, ...]) -> int:
    return max(FEWEST_POINTS, min(POINTS, POINTS_TOGETHER // len(classes)))
