"""Scores that are scikit-learn's own, on rows that the model has not seen."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from xgboost import XGBClassifier

from app.errors import TrainingFailed
from app.pipelines import baseline, evaluate
from app.pipelines.base import Candidate, Trial
from app.pipelines.calibrated import with_probabilities
from app.pipelines.tsfresh.relative import RelativeToLast


def rows(n_classes, seed=3):
    """Return 120 rows of noise with a little of the class in them, and the classes; floats where there are none."""
    generator = np.random.default_rng(seed)
    y = np.arange(120) % (n_classes or 60)
    X = pd.DataFrame(generator.normal(size=(120, 3)) + y[:, np.newaxis] * 0.4, columns=list("abc"))
    return X, y if n_classes else y.astype("float64")


def piped(model):
    return Pipeline([("scale", StandardScaler()), ("model", model)])


def tried(problem, model):
    """Try a model and return every trial that is told of."""
    return list(evaluate.trials(problem, Candidate("it", "tests", piped(model))))


class Fussy(ClassifierMixin, BaseEstimator):
    """Refuses to be fitted a second time."""

    fits = 0

    def fit(self, X, y):
        type(self).fits += 1
        if type(self).fits > 1:
            raise ValueError("once is enough, says /home/someone/model.py")
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


class Diverging(RegressorMixin, BaseEstimator):
    """Predicts well, but for one row of the data, of which it says infinity."""

    def fit(self, X, y):
        self.model_ = LinearRegression().fit(X, y)
        return self

    def predict(self, X):
        return np.where(np.asarray(X)[:, 0] == np.asarray(X)[:, 0].max(), np.inf, self.model_.predict(X))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_over_folds_are_those_of_scikit_learn(problem, n_classes):
    X, y = rows(n_classes)
    of = problem(X, y, seed=7, folds=5)
    trial = tried(of, LogisticRegression())[-1]
    described = evaluate.over_folds(of, trial)
    folds = StratifiedKFold(5, shuffle=True, random_state=7)
    for metric, scorer in (
        ("accuracy", "accuracy"),
        ("roc_auc", "roc_auc" if n_classes == 2 else "roc_auc_ovr_weighted"),
    ):
        expected = cross_val_score(piped(LogisticRegression()), X, y, cv=folds, scoring=scorer)
        np.testing.assert_allclose(described[metric]["folds"], expected, rtol=1e-12)
        assert described[metric]["mean"] == pytest.approx(expected.mean())
        assert described[metric]["std"] == pytest.approx(expected.std())
    assert described["folds"] == 5
    assert trial.score == described["roc_auc"]["mean"]
    assert list(trial.fold_scores) == described["roc_auc"]["folds"]


def test_scores_of_a_regression_over_folds_are_those_of_scikit_learn(problem):
    X, y = rows(0)
    of = problem(X, y, seed=1, metric="mae")
    described = evaluate.over_folds(of, tried(of, LinearRegression())[-1])
    folds = KFold(3, shuffle=True, random_state=1)
    assert described.keys() == {"folds", "mae", "r2", "rmse"}
    for metric, scorer, sign in (("r2", "r2", 1), ("rmse", "neg_root_mean_squared_error", -1)):
        expected = sign * cross_val_score(piped(LinearRegression()), X, y, cv=folds, scoring=scorer)
        np.testing.assert_allclose(described[metric]["folds"], expected)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_each_row_is_predicted_by_the_model_that_has_not_seen_it(problem, n_classes):
    X, y = rows(n_classes)
    trial = tried(problem(X, y, seed=7), LogisticRegression())[-1]
    expected = cross_val_predict(
        piped(LogisticRegression()), X, y, cv=StratifiedKFold(3, shuffle=True, random_state=7), method="predict_proba"
    )
    np.testing.assert_allclose(trial.out_of_fold, expected)


def test_rows_that_no_fold_tests_have_no_prediction(problem):
    X, y = rows(2)
    of = problem(X, y, of_folds=((np.arange(60), np.arange(60, 90)), (np.arange(90), np.arange(90, 120))))
    trial = tried(of, LogisticRegression())[-1]
    assert np.isnan(trial.out_of_fold[:60]).all()
    assert np.isfinite(trial.out_of_fold[60:]).all()
    assert evaluate.over_folds(of, trial)["folds"] == 2


def test_a_trial_is_told_of_after_each_fold(problem):
    X, y = rows(2)
    found = tried(problem(X, y, folds=4), LogisticRegression())
    assert [len(trial.fold_scores) for trial in found] == [1, 2, 3, 4]
    assert [trial.score for trial in found] == [pytest.approx(np.mean(trial.fold_scores)) for trial in found]


def test_a_trial_says_what_its_pipeline_costs(problem):
    X, y = rows(2)
    small, large = (tried(problem(X, y), RandomForestClassifier(trees))[-1] for trees in (2, 50))
    for trial in (small, large):
        assert trial.fit_seconds > 0
        assert trial.predict_seconds > 0
    fitted = piped(RandomForestClassifier(50)).fit(X[:80], y[:80])
    assert large.size == pytest.approx(len(pickle.dumps(fitted)), rel=0.5)
    assert large.size > 5 * small.size


def test_an_estimator_that_fails_is_a_trial_with_its_words(problem):
    X, y = rows(0)
    (trial,) = tried(problem(X, y), IsotonicRegression())
    assert trial.score is None
    assert "IsotonicRegression could not be trained on this data" in trial.error
    assert "1 feature" in trial.error
    assert "\n" not in trial.error


def test_an_estimator_that_fails_in_a_later_fold_has_no_score(problem):
    X, y = rows(2)
    Fussy.fits = 0
    first, last = tried(problem(X, y), Fussy())
    assert first.score == 0.5
    assert last.score is None
    assert "once is enough, says …" in last.error
    assert "home" not in last.error


def test_an_estimator_that_fails_after_folds_that_cannot_be_measured_is_told_by_its_own_words(problem):
    X, y = rows(2)
    Fussy.fits = 0
    of = problem(X, y, of_folds=((np.arange(80), np.flatnonzero(y == 0)), (np.arange(80), np.arange(80, 120))))
    assert "once is enough" in tried(of, Fussy())[-1].error


def test_predictions_that_are_not_finite_are_a_failure_and_not_a_fold_that_does_not_count(problem):
    X, y = rows(0)
    last = tried(problem(X, y, metric="rmse"), Diverging())[-1]
    assert last.score is None
    assert "finite" in last.error


def test_folds_that_cannot_be_measured_do_not_count(problem):
    X, y = rows(2)
    order = np.argsort(y, kind="stable")
    mixed = np.random.default_rng(0).permutation(120)
    of = problem(X, y, of_folds=((mixed[:80], mixed[80:]), (mixed[:80], order[:10])))
    trial = tried(of, LogisticRegression())[-1]
    assert trial.score == trial.fold_scores[0]
    assert np.isnan(trial.fold_scores[1])
    described = evaluate.over_folds(of, trial)
    assert described["roc_auc"]["folds"][1] is None
    assert described["roc_auc"]["mean"] is not None


def test_predictions_that_a_metric_cannot_measure_are_a_failure_where_others_could_be(problem):
    X, y = rows(0)
    y = np.exp(y)
    of = problem(X, y, metric="neg_mean_gamma_deviance", folds=5)
    scores = [trial.fold_scores for trial in tried(of, DummyRegressor())]
    assert np.isfinite(scores[-1]).all()
    # A line through them is below 0 in some folds; those where it is not would be the easy ones.
    last = tried(of, LinearRegression())[-1]
    assert last.score is None
    assert last.error == "its predictions cannot be measured by the metric"


@pytest.mark.parametrize("share", [0.1, 1 / 3, 0.6])
def test_a_split_of_an_engines_own_is_one_test_however_the_folds_would_cut_it(problem, share):
    X, y = rows(2)
    of = problem(X, y)
    # A part of a fold, the whole of one, and one and a part of the next.
    own = np.concatenate([of.folds[1][1], of.folds[2][1], of.folds[0][1]])[: round(120 * share)]
    predicted = np.full((120, 2), np.nan)
    predicted[own] = np.random.default_rng(0).dirichlet([1, 1], len(own))
    score = of.metric.score(y[own], predicted[own], None)
    trial = Trial("it", "tests", piped(LogisticRegression()), score, (score,), predicted)
    described = evaluate.over_folds(of, trial)
    assert described["folds"] == 1
    assert described["roc_auc"] == {"mean": score, "std": 0.0, "folds": [score]}


def test_a_trial_that_was_cut_short_is_measured_on_the_folds_that_it_had(problem):
    X, y = rows(2)
    of = problem(X, y, folds=4)
    for count, trial in enumerate(tried(of, LogisticRegression()), start=1):
        # As it left its process: later folds are not known.
        out_of_fold = trial.out_of_fold.copy()
        out_of_fold[np.concatenate([[], *(rows for _, rows in of.folds[count:])]).astype("int64")] = np.nan
        described = evaluate.over_folds(of, replace(trial, out_of_fold=out_of_fold))
        assert described["roc_auc"]["folds"] == list(trial.fold_scores)


def test_what_was_not_tried_has_no_scores(problem):
    of = problem(*rows(2))
    described = evaluate.over_folds(of, baseline.untried(of))
    assert described["folds"] == 0
    assert described["roc_auc"] == {"mean": None, "std": None, "folds": []}


def test_no_fold_that_can_be_measured_is_a_failure(problem):
    X, y = rows(2)
    of = problem(X, y, of_folds=((np.arange(100), np.flatnonzero(y[100:] == 0) + 100),))
    trial = tried(of, LogisticRegression())[-1]
    assert trial.score is None
    assert "cannot be measured" in trial.error


@pytest.mark.parametrize("name", ["accuracy", "macro avg", "weighted avg"])
def test_a_class_may_be_called_as_what_is_told_of_all_classes(problem, name):
    X, y = rows(2)
    of = replace(problem(X, y), classes=("a", name))
    described = evaluate.held_out(of, evaluate.fit(piped(LogisticRegression()), X, y), X, y, None)
    report = described["classification_report"]
    assert report[f"class {name}"]["support"] == y.sum()
    assert isinstance(report["accuracy"], float)
    assert report["macro avg"]["support"] == report["weighted avg"]["support"] == len(y)


@pytest.mark.parametrize("path", ["plain", "nested", "calibrated"])
def test_weights_reach_the_last_step(problem, path):
    X, y = rows(2)
    weights = np.where(y == 1, 10.0, 1.0) * np.random.default_rng(0).random(120)
    model = {
        "plain": LogisticRegression(),
        "nested": Pipeline([("again", StandardScaler()), ("model", LogisticRegression())]),
        "calibrated": CalibratedClassifierCV(RidgeClassifier(), cv=3, ensemble=False),
    }[path]
    seen = StandardScaler().fit_transform(X)
    name = {"plain": "sample_weight", "nested": "model__sample_weight", "calibrated": "sample_weight"}[path]
    expected = model.fit(seen, y, **{name: weights}).predict_proba(seen)
    found = evaluate.predict(evaluate.fit(piped(model), X, y, weights), X, 2)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert not np.allclose(found, evaluate.predict(evaluate.fit(piped(model), X, y), X, 2))


def test_weights_are_used_in_training_and_in_scoring(problem):
    X, y = rows(2)
    weights = np.random.default_rng(1).random(120) ** 4
    of = problem(X, y, weights=weights, metric="accuracy")
    trial = tried(of, LogisticRegression())[-1]
    for (seen, unseen), found in zip(of.folds, trial.fold_scores, strict=True):
        fitted = piped(LogisticRegression()).fit(X.iloc[seen], y[seen], model__sample_weight=weights[seen])
        said = fitted.predict(X.iloc[unseen])
        assert found == pytest.approx(metrics.accuracy_score(y[unseen], said, sample_weight=weights[unseen]))
    described = evaluate.over_folds(of, trial)
    assert described["accuracy"]["mean"] == trial.score


def test_a_model_that_takes_no_weights_is_fitted_without():
    X, y = rows(2)
    neighbours = piped(KNeighborsClassifier())
    assert not evaluate.takes_weights(neighbours)
    assert evaluate.takes_weights(piped(LogisticRegression()))
    found, plain = evaluate.fit(neighbours, X, y, np.ones(120)), evaluate.fit(neighbours, X, y)
    np.testing.assert_array_equal(found.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_class_that_a_fold_has_not_learned_has_probability_0(missing):
    X, y = rows(3)
    known = y != missing
    fitted = piped(LogisticRegression()).fit(X[known], y[known])
    found = evaluate.predict(fitted, X, 3)
    assert found.shape == (120, 3)
    assert (found[:, missing] == 0).all()
    np.testing.assert_allclose(np.delete(found, missing, axis=1), fitted.predict_proba(X))


@pytest.mark.parametrize("missing", [0, 1, 2])
@pytest.mark.parametrize("model", [XGBClassifier(n_estimators=3), LogisticRegression()], ids=["XGBoost", "linear"])
def test_rows_without_a_class_are_learned_by_every_classifier(model, missing):
    X, y = rows(3)
    known, weights = y != missing, np.random.default_rng(0).random(120)
    fitted = evaluate.fit(piped(model), X[known], y[known], weights[known])
    # Of two classes that are left, the greater.
    plain = piped(model).fit(X[known], y[known] == np.delete(range(3), missing)[1], model__sample_weight=weights[known])
    found = evaluate.predict(fitted, X, 3)
    assert (found[:, missing] == 0).all()
    np.testing.assert_array_equal(np.delete(found, missing, axis=1), plain.predict_proba(X))
    np.testing.assert_array_equal(fitted.predict(X), found.argmax(axis=1))
    assert evaluate.innermost(fitted) is fitted[-1]
    # The size of a trial is that of its bytes.
    np.testing.assert_array_equal(evaluate.predict(pickle.loads(pickle.dumps(fitted)), X, 3), found)  # noqa: S301  our own


@pytest.mark.parametrize("model", [LogisticRegression(), LinearSVC()], ids=["plain", "calibrated"])
def test_weights_of_classes_stay_with_their_classes_where_one_is_missing(problem, model):
    X, y = rows(3)
    of, known = problem(X, y), y > 0
    weighed, alone = (
        piped(with_probabilities(of, clone(model).set_params(class_weight=weights)))
        for weights in ({0: 9.0, 1: 1.0, 2: 5.0}, {0: 1.0, 1: 5.0})
    )
    found = evaluate.predict(evaluate.fit(weighed, X[known], y[known]), X, 3)
    np.testing.assert_allclose(found[:, 1:], alone.fit(X[known], y[known] - 1).predict_proba(X))


def test_what_is_fitted_to_every_class_has_the_codes_as_they_are():
    X, y = rows(3)
    fitted = evaluate.fit(piped(LogisticRegression()), X, y)
    assert type(fitted) is Pipeline
    assert fitted.classes_.tolist() == [0, 1, 2]


def test_a_fold_before_a_class_first_occurred_is_scored_all_the_same(problem):
    X, y = rows(3)
    # At first only classes 0 and 1, or 1 and 2.
    for first in (np.argsort(y == 2, kind="stable"), np.argsort(y == 0, kind="stable")):
        of = problem(X, y, metric="log_loss", of_folds=((first[:50], first[50:]),))
        for model in (LogisticRegression(), XGBClassifier(n_estimators=3)):
            trial = tried(of, model)[-1]
            assert trial.error is None
            assert np.isfinite(trial.score)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_classifier_without_probabilities_is_calibrated(problem, n_classes):
    X, y = rows(n_classes)
    of = problem(X, y)
    for model in (SVC(), RidgeClassifier()):
        trial = tried(of, with_probabilities(of, model))[-1]
        assert trial.error is None
        np.testing.assert_allclose(trial.out_of_fold.sum(axis=1), 1)
    assert isinstance(with_probabilities(of, LogisticRegression()), LogisticRegression)


def test_the_confusion_matrix_has_true_classes_as_rows_in_the_order_of_the_classes(problem):
    X, y = rows(3)
    fitted = piped(RandomForestClassifier(10, max_depth=2, random_state=0)).fit(X, y)
    # Fewer rows of one class than of the other, so that the matrix differs from its transpose.
    seen = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 2)[:20]])
    of = problem(X, np.array(["x", "y", "z"])[y])
    described = evaluate.held_out(of, fitted, X.iloc[seen], y[seen], None)
    predicted = fitted.predict(X.iloc[seen])
    expected = [[int(((y[seen] == true) & (predicted == said)).sum()) for said in range(3)] for true in range(3)]
    assert described["confusion_matrix"] == expected
    assert described["confusion_matrix"][1] == [0, 0, 0]
    assert described["confusion_matrix"][0][2] != described["confusion_matrix"][2][0]
    assert described["classes"] == ["x", "y", "z"]
    assert described["rows"] == len(seen)
    assert described["accuracy"] == pytest.approx(metrics.accuracy_score(y[seen], predicted))
    # A class that is not among these rows has no area under its curve.
    assert described["roc_auc"] is None
    assert described["classification_report"]["x"]["support"] == (y[seen] == 0).sum()


def test_rows_held_out_are_scored_with_their_weights(problem):
    X, y = rows(2)
    weights = np.random.default_rng(2).random(120) ** 4
    fitted = piped(LogisticRegression()).fit(X, y)
    described = evaluate.held_out(problem(X, y), fitted, X, y, weights)
    assert described["accuracy"] == pytest.approx(metrics.accuracy_score(y, fitted.predict(X), sample_weight=weights))


def test_one_row_of_a_regression_has_no_r2(problem):
    X, y = rows(0)
    fitted = piped(LinearRegression()).fit(X, y)
    scores = evaluate.held_out(problem(X, y), fitted, X[:1], y[:1], None)
    assert scores["r2"] is None
    assert scores["rmse"] == pytest.approx(abs(fitted.predict(X[:1])[0] - y[0]))


def test_fitting_leaves_the_pipeline_unfitted():
    X, y = rows(2)
    pipeline = piped(LogisticRegression())
    evaluate.fit(pipeline, X, y)
    assert not hasattr(pipeline[-1], "coef_")


def test_a_refusal_is_told_in_the_estimators_own_words():
    X, y = rows(2)
    with pytest.raises(TrainingFailed, match=r"IsotonicRegression could not be trained on this data: .*1 feature"):
        evaluate.fit(Pipeline([("model", IsotonicRegression())]), X, y)


def test_the_model_of_a_pipeline_is_found_in_whatever_is_around_it():
    model = LinearRegression()
    around = Pipeline([("inner", Pipeline([("scale", StandardScaler()), ("model", RelativeToLast(model))]))])
    assert evaluate.innermost(model) is evaluate.innermost(around) is model
    X = pd.DataFrame({"x": [1.0, 2.0, 4.0, 8.0]})
    fitted = Pipeline([("model", TransformedTargetRegressor(model))]).fit(X, [1.0, 2.0, 3.0, 4.0])
    assert evaluate.innermost(fitted) is fitted[-1].regressor_
