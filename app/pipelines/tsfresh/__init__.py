"""Long time series into rows of features, in front of any engine."""

from app.pipelines.tsfresh.features import SeriesFeatures as SeriesFeatures
