"""Images into numbers, as a step of a pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator, TransformerMixin

from app.pipelines.pictures import pixels

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Pixels(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Scale images to one size and give their pixels, row by row, each with its channels.

    A camera's note of how it was held is followed, transparency is shown on white, of an animation the first picture
    is taken, and all are made grey or red, green and blue. Scaling down averages (antialiases), without keeping the
    ratio of the sides.

    Parameters
    ----------
    height, width
        Of what a model sees, in pixels.
    channels
        1: grey. 3: red, green, blue.

    Attributes
    ----------
    n_outputs_ : numbers that the column becomes.
    """

    def __init__(self, height: int = 32, width: int = 32, channels: int = 3) -> None:
        self.height = height
        self.width = width
        self.channels = channels

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn the name of the column."""
        import numpy as np

        self.feature_names_in_ = np.asarray(X.columns, dtype="object")
        self.n_features_in_ = X.shape[1]
        self.n_outputs_ = [self.height * self.width * self.channels]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return the pixels.

        Parameters
        ----------
        X
            DataFrame of one column: bytes of PNG or JPEG.

        Returns
        -------
        Array of float32 from 0 to 1, shape (n_samples, height * width * channels).

        Raises
        ------
        ValueError
            An image cannot be decoded.
        """
        return pixels(X.iloc[:, 0], self.height, self.width, self.channels)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray[Any, Any]:
        """Name each output by column, row, column of pixels and channel."""
        import numpy as np

        name = self.feature_names_in_[0]
        places = np.ndindex(self.height, self.width, self.channels)
        return np.array([f"{name}_{row}_{column}_{channel}" for row, column, channel in places], dtype="object")
