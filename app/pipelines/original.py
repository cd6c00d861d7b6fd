"""A pipeline as it was fitted, which is loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline


T = TypeVar("T")


class Original:
    """The fitted pipeline, and training rows that explainers compare with.

    Parameters
    ----------
    read_fitted, read_background
        Return each; called once, by the thread that asks first, while the others wait. Rows need no engine.
    """

    def __init__(self, read_fitted: Callable[[], Pipeline], read_background: Callable[[], pd.DataFrame]) -> None:
        self._fitted, self._background = _Once(read_fitted), _Once(read_background)

    @classmethod
    def of(cls, fitted: Pipeline, background: pd.DataFrame) -> Self:
        """Return the original of what has just been fitted."""
        return cls(lambda: fitted, lambda: background)

    @property
    def fitted(self) -> Pipeline:
        """scikit-learn's Pipeline."""
        return self._fitted.read()

    @property
    def background(self) -> pd.DataFrame:
        """Training rows."""
        return self._background.read()


class _Once(Generic[T]):
    """What is read when it is first asked for."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read: Callable[[], T] | None = read
        self._lock = Lock()

    def read(self) -> T:
        if self._read is not None:
            with self._lock:
                if self._read is not None:
                    self._loaded = self._read()
                    # With it goes what it reads from.
                    self._read = None
        return self._loaded
