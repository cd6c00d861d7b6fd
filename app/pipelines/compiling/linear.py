"""Fitted models that are sums, functions and products of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.pipelines.compiled import models, transformers
from app.pipelines.compiled.operation import OfNumbers

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

    Compile = Callable[[Any], OfNumbers]


def _sum(step: Any) -> models.Linear:
    import numpy as np

    weights = np.atleast_2d(step.coef_).T
    shift = np.broadcast_to(np.asarray(step.intercept_, dtype="float64").ravel(), weights.shape[1])
    return models.Linear(weights.astype("float64"), shift.copy())


def logistic(step: Any, inner: Compile) -> OfNumbers:
    """Compile a logistic regression."""
    if len(step.classes_) == 2:
        return transformers.Chain((_sum(step), models.Applied("expit"), models.Applied("both")))
    return transformers.Chain((_sum(step), models.Applied("softmax")))


def stochastic(step: Any, inner: Compile) -> OfNumbers | None:
    """Compile a classifier of stochastic gradient descent with logistic loss."""
    if step.loss != "log_loss":
        return None
    last = "both" if len(step.classes_) == 2 else "shares"
    return transformers.Chain((_sum(step), models.Applied("expit"), models.Applied(last)))


def discriminant(step: Any, inner: Compile) -> OfNumbers:
    """Compile a linear discriminant analysis."""
    return logistic(step, inner)


def regression(step: Any, inner: Compile) -> OfNumbers:
    """Compile a linear regression of any kind."""
    return _sum(step)


def generalised(step: Any, inner: Compile) -> OfNumbers:
    """Compile a regression with a logarithmic link."""
    return transformers.Chain((_sum(step), models.Applied("exp")))


def calibrated(step: Any, inner: Compile) -> OfNumbers | None:
    """Compile classifiers whose scores were calibrated by sigmoids."""
    members = []
    for each in step.calibrated_classifiers_:
        scores = _scores(each.estimator)
        if each.method != "sigmoid" or scores is None or len(each.estimator.classes_) != len(step.classes_):
            return None
        members.append(_calibrated(each, scores))
    return members[0] if len(members) == 1 else models.MeanOf(tuple(members), (1.0,) * len(members))


def _calibrated(each: Any, scores: OfNumbers) -> OfNumbers:
    import numpy as np

    slopes = np.array([float(one.a_) for one in each.calibrators])
    shifts = np.array([float(one.b_) for one in each.calibrators])
    last = "both" if len(each.classes) == 2 else "shares"
    return transformers.Chain((scores, models.Sigmoids(slopes, shifts), models.Applied(last)))


def _scores(step: Any) -> OfNumbers | None:
    """Return the decision function of a classifier; None where it is neither linear nor of one Gaussian kernel."""
    if hasattr(step, "coef_") and hasattr(step, "intercept_") and getattr(step, "kernel", "") in ("", "linear"):
        return _sum(step) if getattr(step, "kernel", "") == "" else machine(step, lambda _: _sum(step))
    if getattr(step, "kernel", None) == "rbf" and len(step.classes_) == 2:
        return machine(step, lambda _: _sum(step))
    return None


def machine(step: Any, inner: Compile) -> OfNumbers | None:
    """Compile a support vector machine with a Gaussian kernel, of one output."""
    import numpy as np

    if step.kernel != "rbf":
        return None
    weights = np.asarray(step.dual_coef_, dtype="float64").T
    return transformers.Likenesses(
        step.support_vectors_, float(step._gamma), weights, np.asarray(step.intercept_, dtype="float64")
    )


def sampled_kernel(step: Any, inner: Compile) -> OfNumbers | None:
    """Compile likenesses to a sample."""
    import numpy as np

    if step.kernel != "rbf":
        return None
    gamma = 1.0 / step.n_features_in_ if step.gamma is None else float(step.gamma)
    weights = step.normalization_.T
    return transformers.Likenesses(step.components_, gamma, weights, np.zeros(weights.shape[1]))


def gaussian_process(step: Any, inner: Compile) -> OfNumbers | None:
    """Compile a Gaussian process of a constant times a Gaussian kernel."""
    import numpy as np

    kernel = step.kernel_
    factors = [kernel.k1, kernel.k2] if hasattr(kernel, "k1") else []
    if [type(each).__name__ for each in factors] != ["ConstantKernel", "RBF"] or np.ndim(factors[1].length_scale):
        return None
    gamma = 0.5 / float(factors[1].length_scale) ** 2
    scale = float(factors[0].constant_value) * np.asarray(step._y_train_std)
    weights = (np.asarray(step.alpha_).reshape(len(step.X_train_), -1)) * scale
    return transformers.Likenesses(step.X_train_, gamma, weights, np.atleast_1d(np.asarray(step._y_train_mean)))


def network(step: Any, inner: Compile) -> OfNumbers | None:
    """Compile a multi-layer perceptron of scikit-learn."""
    names = {"identity": "", "relu": "relu", "tanh": "tanh", "logistic": "expit", "softmax": "softmax"}
    found: list[OfNumbers] = []
    for number, (weights, shift) in enumerate(zip(step.coefs_, step.intercepts_, strict=True)):
        last = number == len(step.coefs_) - 1
        function = names[step.out_activation_ if last else step.activation]
        found += [models.Linear(weights, shift), *([models.Applied(function)] if function else [])]
    if len(getattr(step, "classes_", ())) == 2:
        found.append(models.Applied("both"))
    return transformers.Chain(tuple(found))


def constant(step: Any, inner: Compile) -> OfNumbers | None:
    """Compile what answers without looking."""
    import numpy as np

    if hasattr(step, "classes_"):
        if step.strategy not in ("prior", "most_frequent"):
            return None
        shares = step.class_prior_ if step.strategy == "prior" else _first(step.class_prior_)
        return models.Constant(np.asarray(shares))
    return models.Constant(np.asarray(step.constant_, dtype="float64").ravel())


def _first(shares: Array) -> Array:
    import numpy as np

    found: Array = np.eye(len(shares))[int(np.argmax(shares))]
    return found
