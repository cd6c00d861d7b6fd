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
