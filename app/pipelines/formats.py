"""Fitted pipelines to bytes and back: skops with a list of types that is ours, or a pickle where skops cannot.

Bytes reach `load` only after the store has verified their signature. The list stands here and is never read from the
artefact: a list that the file itself brings would trust whatever the file names.
"""

from __future__ import annotations

import pickle
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


class Refused(ValueError):
    """Bytes that are signed, and still hold what no pipeline of ours does."""


#: Types that skops does not trust by itself and that our pipelines hold. To add one, see that its code does nothing
#: but hold numbers when it is built from a state.
TRUSTED = frozenset(
    {
        "app.pipelines.encoders.DateEncoder",
        "app.pipelines.encoders.TextEncoder",
        "app.pipelines.pixels.Pixels",
        "collections.OrderedDict",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRegressor",
        "numpy.dtype",
        # Of splines; their function turns numbers into an array.
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines.BSpline",
        "sklearn._loss.link.IdentityLink",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogLink",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        "sklearn._loss.loss.AbsoluteError",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfGammaLoss",
        "sklearn._loss.loss.HalfMultinomialLoss",
        "sklearn._loss.loss.HalfPoissonLoss",
        "sklearn._loss.loss.HalfSquaredError",
        "sklearn._loss.loss.HalfTweedieLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn._loss.loss.PinballLoss",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._gb.LeastSquaresError",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.metrics._dist_metrics.MinkowskiDistance64",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        "tpot.builtin_modules.arithmetictransformer.AddTransformer",
        "tpot.builtin_modules.column_one_hot_encoder.ColumnOneHotEncoder",
        "tpot.builtin_modules.column_one_hot_encoder.ColumnOrdinalEncoder",
        "tpot.builtin_modules.estimatortransformer.EstimatorTransformer",
        "tpot.builtin_modules.passkbinsdiscretizer.PassKBinsDiscretizer",
        "tpot.builtin_modules.passthrough.Passthrough",
        "tpot.builtin_modules.passthrough.SkipTransformer",
        "tpot.builtin_modules.zero_count.ZeroCount",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRFClassifier",
        "xgboost.sklearn.XGBRFRegressor",
        "xgboost.sklearn.XGBRegressor",
    }
)


#: How skops refuses: a type that is not in the list, or a description that is none.
_UNREAD = (TypeError, ValueError, AttributeError, LookupError, ImportError, RecursionError, zipfile.BadZipFile)


def dump(fitted: Pipeline, sample: Any) -> tuple[str, bytes]:
    """Return the format and the bytes of a fitted pipeline.

    Parameters
    ----------
    sample
        Rows on which the bytes must predict what the pipeline does, before they are used: probabilities, where those
        are served.
    """
    import numpy as np
    from skops.io import dumps, get_untrusted_types

    served = "predict_proba" if hasattr(fitted, "predict_proba") else "predict"
    try:
        data = dumps(fitted)
        if set(get_untrusted_types(data=data)) <= TRUSTED:
            found, expected = (getattr(each, served)(sample) for each in (load("skops", data), fitted))
            if np.array_equal(found, expected, equal_nan=True):
                return "skops", data
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError, NotImplementedError):
        # What skops has no writer for fails in any of these ways.
        pass
    return "pickle", pickle.dumps(fitted, protocol=5)


def load(format_name: str, data: bytes) -> Pipeline:
    """Read what `dump` wrote. Only for bytes whose signature was verified.

    Raises
    ------
    Refused
        Another format, or a type that is not in the list.
    """
    match format_name:
        case "skops":
            from skops.io import loads

            try:
                return loads(data, trusted=sorted(TRUSTED))
            except _UNREAD as error:
                raise Refused("no pipeline of types that ours have") from error
        case "pickle":
            return pickle.loads(data)  # noqa: S301  signed by this service, and verified by the store
    raise Refused("a format that is none of ours")
