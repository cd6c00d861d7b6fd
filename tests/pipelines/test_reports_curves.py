"""Curves: they are scikit-learn's, thinned, and JSON has them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import auc, average_precision_score, brier_score_loss, roc_auc_score, roc_curve

from app.pipelines.reports import curves

CLASSES = ("ham", "spam")


@pytest.fixture
def scored():
    """Codes, probabilities of two classes, and weights."""
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, 3_000)
    positive = 1 / (1 + np.exp(-(y - 0.5 + draw.normal(0, 1, len(y)))))
    return y, np.column_stack([1 - positive, positive]), draw.integers(0, 4, len(y)).astype("float64")


@pytest.mark.parametrize("weighted", [False, True])
def test_the_numbers_are_scikit_learns(scored, weighted):
    y, probabilities, weights = scored
    weights = weights if weighted else None
    positive = probabilities[:, 1]
    [roc] = curves.roc(y, probabilities, CLASSES, weights)
    [recall] = curves.precision_recall(y, probabilities, CLASSES, weights)
    [calibration] = curves.calibration(y, probabilities, CLASSES, weights)
    assert roc["class"] == "spam"
    assert roc["auc"] == pytest.approx(roc_auc_score(y, positive, sample_weight=weights), rel=1e-5)
    expected = average_precision_score(y, positive, sample_weight=weights)
    assert recall["average_precision"] == pytest.approx(expected, rel=1e-5)
    assert calibration["brier"] == pytest.approx(brier_score_loss(y, positive, sample_weight=weights), rel=1e-5)


def test_a_thinned_curve_is_as_good_as_the_whole(scored):
    y, probabilities, _ = scored
    [roc] = curves.roc(y, probabilities, CLASSES)
    [recall] = curves.precision_recall(y, probabilities, CLASSES)
    false, true, _ = roc_curve(y, probabilities[:, 1])
    assert len(false) > curves.POINTS
    assert len(roc["false_positive_rate"]) == len(roc["thresholds"]) == curves.POINTS
    assert len(recall["recall"]) == len(recall["thresholds"]) == curves.POINTS
    assert auc(roc["false_positive_rate"], roc["true_positive_rate"]) == pytest.approx(auc(false, true), abs=1e-3)
    gap = np.interp(false, roc["false_positive_rate"], roc["true_positive_rate"]) - true
    assert np.abs(gap).mean() < 2e-3
    assert (roc["false_positive_rate"][0], roc["true_positive_rate"][-1]) == (0.0, 1.0)
    assert roc["thresholds"][0] is None
    assert recall["thresholds"][-1] is None


def test_corners_are_kept():
    x = np.arange(1_000.0)
    y = np.where(x < 400, 0.0, np.where(x < 401, 5.0, 7.0))
    kept = curves.corners(x, y, 200)
    assert kept.tolist() == [0, 399, 400, 401, 999]


def test_each_of_several_classes_has_its_curves():
    draw = np.random.default_rng(0)
    probabilities = draw.dirichlet(np.ones(3), 90)
    y = probabilities.argmax(axis=1)
    told = (y, probabilities, (3, 5, 7))
    for kind in (curves.roc, curves.precision_recall, curves.calibration, curves.gains):
        assert [curve["class"] for curve in kind(*told)] == [3, 5, 7]
    assert sum(curve["share"] for curve in curves.precision_recall(*told)) == pytest.approx(1)


def test_gains_of_several_classes_are_each_against_the_rest():
    y = np.array([0, 0, 1, 2])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.7, 0.1]])
    sure, unsure, wrong = curves.gains(y, probabilities, ("a", "b", "c"))
    assert (sure["rows"], sure["positives"]) == ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 0.5, 1.0, 1.0, 1.0])
    # The row of b comes after that of c.
    assert unsure["positives"][:3] == [0.0, 0.0, 1.0]
    assert unsure["lift"][:3] == [None, 0.0, 2.0]
    # Three rows of one score come in together.
    assert (wrong["rows"], wrong["positives"]) == ([0.0, 0.25, 1.0], [0.0, 0.0, 1.0])


def test_many_classes_share_the_points():
    draw = np.random.default_rng(0)
    probabilities = draw.dirichlet(np.ones(100), 2_000)
    told = (draw.integers(0, 100, 2_000), probabilities, tuple(range(100)))
    assert max(len(curve["thresholds"]) for curve in curves.roc(*told)) == 40
    assert max(len(curve["lift"]) for curve in curves.gains(*told)) == 40


@pytest.mark.parametrize("y", [[0, 0, 0], [1, 1, 1]])
def test_rows_of_a_single_class_have_no_curve_and_no_nan(y):
    probabilities = np.array([[0.2, 0.8], [0.4, 0.6], [1.0, 0.0]])
    told = (np.array(y), probabilities, CLASSES)
    found = [curves.roc(*told), curves.precision_recall(*told), curves.calibration(*told), curves.gains(*told)]
    json.dumps(found, allow_nan=False)
    assert found[0][0]["auc"] is None
    assert found[1][0]["recall"] == []
    assert sum(found[2][0]["counts"]) == 3
    assert found[3] == [{"class": CLASSES[-1], "rows": [], "positives": [], "lift": []}]


def test_weights_that_are_all_zero_give_nothing(scored):
    y, probabilities, _ = scored
    told = (y, probabilities, CLASSES, np.zeros(len(y)))
    found = [curves.roc(*told), curves.precision_recall(*told), curves.calibration(*told), curves.gains(*told)]
    json.dumps(found, allow_nan=False)
    assert found[0][0]["auc"] is None


def test_calibration_tells_how_often_it_was_so():
    y = np.array([0, 0, 1, 1, 1])
    positive = np.array([0.0, 0.04, 0.65, 0.65, 1.0])
    [found] = curves.calibration(y, np.column_stack([1 - positive, positive]), CLASSES)
    assert found["mean_predicted"] == [0.02, 0.65, 1.0]
    assert found["fraction_of_positives"] == [0.0, 1.0, 1.0]
    assert found["counts"] == [2, 2, 1]


def test_gains_take_rows_of_one_score_together():
    positive = np.array([0.9, 0.5, 0.5, 0.1])
    [found] = curves.gains(np.array([1, 1, 0, 0]), np.column_stack([1 - positive, positive]), CLASSES)
    assert found["rows"] == [0.0, 0.25, 0.75, 1.0]
    assert found["positives"] == [0.0, 0.5, 1.0, 1.0]
    assert found["lift"][:2] == [None, 2.0]


def test_residuals_are_described():
    draw = np.random.default_rng(0)
    y = draw.normal(size=2_000)
    predicted = y - draw.normal(1, 1, len(y))
    predicted[0] = -1e6
    found = curves.residuals(y, predicted)
    json.dumps(found, allow_nan=False)
    assert sum(found["histogram"]["counts"]) == 2_000
    assert found["histogram"]["edges"][-1] < 10
    assert len(found["sample"]["true"]) == len(found["sample"]["predicted"]) == curves.PAIRS
    assert found["absolute_error"]["0.5"] == pytest.approx(np.median(np.abs(y - predicted)), abs=0.01)
    assert found == curves.residuals(y, predicted)


def test_residuals_that_are_all_the_same_are_one_bin():
    found = curves.residuals(np.arange(5.0), np.arange(5.0))
    assert found["histogram"]["counts"] == [5]
    assert found["bias"] == 0.0


def test_errors_of_rows_that_all_weigh_nothing_count_alike():
    told = (np.array([1.0, 11.0, 5.0]), np.array([0.0, 0.0, 7.0]))
    assert curves.residuals(*told, np.zeros(3)) == curves.residuals(*told)


def test_weights_count_in_the_errors():
    weights = np.array([9.0, 1.0])
    found = curves.residuals(np.array([1.0, 11.0]), np.array([0.0, 0.0]), weights)
    assert found["bias"] == 2.0
    assert found["absolute_error"]["0.75"] == 1.0
