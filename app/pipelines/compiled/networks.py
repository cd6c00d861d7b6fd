"""Neural networks: what they take of columns. The network itself is a `Graph`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from app.pipelines.autokeras.inputs import encode
from app.pipelines.compiled.operation import Columns

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class NetworkInput:
    """Columns as a network takes them.

    Attributes
    ----------
    known
        What `app.pipelines.autokeras.inputs` has learned, as JSON.
    """

    known: str

    @cached_property
    def _known(self) -> dict[str, Any]:
        return dict(orjson.loads(self.known))

    def __call__(self, columns: Columns) -> Array:
        """Return float32 or int32 of whatever shape the network takes."""
        return encode(self._known, columns)


@dataclass(frozen=True)
class NetworkNumbers:
    """Numbers as a network of a table takes them, whose columns are called by their places.

    Attributes
    ----------
    known
        As that of `NetworkInput`.
    """

    known: str

    @cached_property
    def _known(self) -> dict[str, Any]:
        return dict(orjson.loads(self.known))

    def __call__(self, X: Array) -> Array:
        """Return float32 of shape (n_samples, n_inputs)."""
        return encode(self._known, {str(place): X[:, place] for place in range(X.shape[1])})
