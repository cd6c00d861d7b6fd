"""One estimator of scikit-learn, XGBoost or LightGBM, as named."""

from app.pipelines.sklearn.engine import SklearnEngine as SklearnEngine
