"""A pipeline as it was fitted, which is loaded when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline


class Original:
    """The fitted pipeline, and training rows that explainers compare with.

    Parameters
    ----------
    read
        Returns both; called once, by the thread that asks first, while the others wait.
    """

    def __init__(self, read: Callable[[], tuple[Pipeline, pd.DataFrame]]) -> None:
        self._read: Callable[[], tuple[Pipeline, pd.DataFrame]] | None = read
        self._lock = threading.Lock()

    @classmethod
    def of(cls, fitted: Pipeline, background: pd.DataFrame) -> Self:
        """Return the original of what has just been fitted."""
        return cls(lambda: (fitted, background))

    @property
    def fitted(self) -> Pipeline:
        """scikit-learn's Pipeline."""
        return self._both()[0]

    @property
    def background(self) -> pd.DataFrame:
        """Training rows."""
        return self._both()[1]

    def _both(self) -> tuple[Pipeline, pd.DataFrame]:
        if self._read is not None:
            with self._lock:
                if self._read is not None:
                    self._loaded = self._read()
                    # With it goes what it reads from.
                    self._read = None
        return self._loaded
