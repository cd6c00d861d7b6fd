"""Arguments of models and of calculators that would cost without end: refused before anything is fitted."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidParameters
from app.pipelines.sklearn import params
from app.pipelines.tsfresh import params as of_series

MODELS = params.names(params.CLASSIFIERS) + params.names(params.REGRESSORS)

#: Arguments that may be as large as a number is: what they mean costs nothing in proportion.
HARMLESS = {
    *re.split(
        r"\s+",
        """C Cs alpha alpha_1 alpha_2 alpha_init alphas average base_score binarize booster boosting_type
    categorical_features ccp_alpha class_prior class_weight coef0 colsample_bylevel colsample_bynode colsample_bytree
    constant enable_categorical eps epsilon eta0 eval_metric feature_types feature_weights gamma grow_policy
    importance_type interaction_constraints interaction_cst intercept_scaling jitter l1_ratio l1_ratios
    l2_regularization lambda_1 lambda_2 lambda_init leaf_size learning_rate learning_rate_init max_cat_threshold
    max_delta_step max_features max_samples max_skips min_child_samples min_child_weight min_impurity_decrease
    min_samples min_samples_leaf min_samples_split min_split_gain missing monotone_constraints monotonic_cst
    multi_strategy n_iter_no_change n_nonzero_coefs noise_variance objective outlier_label p power power_t precompute
    priors radius random_state reg_alpha reg_lambda residual_threshold sampling_method scale_pos_weight
    shrink_threshold stop_n_inliers stop_score subsample threshold_lambda tol tree_method validate_parameters
    validation_fraction var_smoothing y_max y_min""",
    )
}


def taken(model, name, value):
    try:
        params.check(model, {name: value})
    except InvalidParameters:
        return False
    return True


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("model", MODELS)
def test_what_costs_in_proportion_has_a_ceiling(model):
    known = params.build(model, {}).get_params(deep=False).keys()
    endless = {name for name in known if any(taken(model, name, value) for value in (10**9, [10**9] * 3))}
    assert endless <= HARMLESS


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("model", MODELS)
def test_long_texts_long_lists_and_what_lies_in_lists_are_refused(model):
    for name in params.build(model, {}).get_params(deep=False):
        for value in ("x" * 10_000, [1] * 10**5, [[1]], ["os.system"], [{"a": 1}]):
            assert not taken(model, name, value), (name, str(value)[:40])


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        ("sklearn.neural_network.MLPClassifier", {"hidden_layer_sizes": [10**9]}),
        ("sklearn.neural_network.MLPClassifier", {"hidden_layer_sizes": [10] * 21}),
        ("sklearn.neural_network.MLPClassifier", {"batch_size": 10**9}),
        ("sklearn.naive_bayes.CategoricalNB", {"min_categories": 10**9}),
        ("sklearn.gaussian_process.GaussianProcessRegressor", {"n_restarts_optimizer": 10**6}),
        ("sklearn.linear_model.LassoCV", {"cv": [[[0], [1]]]}),
        ("sklearn.svm.SVC", {"cache_size": 10**6}),
        ("sklearn.linear_model.QuantileRegressor", {"solver_options": {"maxiter": 10}}),
        ("sklearn.calibration.CalibratedClassifierCV", {"n_jobs": 64}),
    ],
)
def test_each_of_these_is_a_422_over_http(refused, training, model, arguments):
    numbers = {"id": list(range(20)), "label": [0.5 * row for row in range(20)]}
    labels = {} if model in params.names(params.CLASSIFIERS) else {"labels": numbers}
    options = training({"model_training": {"model": model, "model_args": arguments}}, **labels)
    refused(422, f"/params/model_training/model_args/{next(iter(arguments))}", **options)


@pytest.mark.parametrize(
    ("calculator", "arguments"),
    [
        ("number_cwt_peaks", {"n": 10**6}),
        ("number_peaks", {"n": 10**9}),
        ("binned_entropy", {"max_bins": 10**9}),
        ("permutation_entropy", {"tau": 1, "dimension": 10**6}),
        ("ar_coefficient", {"coeff": 0, "k": 10**6}),
        ("cwt_coefficients", {"widths": [10**6], "coeff": 0, "w": 2}),
        ("cwt_coefficients", {"widths": [[2]], "coeff": 0, "w": 2}),
        ("agg_autocorrelation", {"f_agg": "x" * 1_000, "maxlag": 10}),
        ("agg_autocorrelation", {"f_agg": "mean", "maxlag": 10**7}),
        ("quantile", {"q": 1e15}),
    ],
)
def test_arguments_of_calculators_have_ceilings(refused, series_training, calculator, arguments):
    options = series_training(default_fc_parameters={calculator: [arguments]})
    refused(422, f"/params/extract_features/default_fc_parameters/{calculator}", **options)


def test_tsfresh_s_own_sets_are_within_the_ceilings():
    for name in of_series.SETS:
        wanted = of_series.fc_parameters(name)
        listed = {
            calculator: [
                {key: list(value) if isinstance(value, tuple) else value for key, value in entry.items()}
                for entry in entries
            ]
            for calculator, entries in wanted.items()
            if entries
        }
        if listed:
            assert set(of_series.fc_parameters(listed)) == set(listed)


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=60)
def test_any_text_for_a_set_or_an_imputation_is_looked_up_and_never_run(text):
    for look_up in (of_series.fc_parameters, of_series.imputation):
        try:
            look_up(text)
        except InvalidParameters as error:
            told = error.faults[0].detail
        else:
            told = "known are"
        assert "known are" in told
