"""Columns of text into numbers, as `app.pipelines.encoders.TextEncoder` has learned it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from app.pipelines.compiled.operation import Columns

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_WORD, _SPACES = re.compile(r"(?u)\b\w+\b"), re.compile(r"\s\s+")

#: Letters of the groups that are counted.
_GROUPS = (3, 4)


@dataclass(frozen=True)
class Texts:
    """TF-IDF of one column, in the directions of a truncated singular value decomposition.

    Attributes
    ----------
    letters
        Whether groups of letters are counted; else words and pairs of words.
    words, ends
        All that is counted as one text, in the order of its places, and where each ends, shape (n_words,).
    idf
        Inverse document frequencies, float32, shape (n_words,).
    directions
        float32, shape (n_words, n_outputs).
    """

    name: str
    letters: bool
    words: str
    ends: Array
    idf: Array
    directions: Array

    @cached_property
    def _places(self) -> dict[str, int]:
        ends = self.ends.tolist()
        return {self.words[begin:end]: place for place, (begin, end) in enumerate(zip([0, *ends], ends, strict=False))}

    def __call__(self, columns: Columns) -> Array:
        """Return float64 of shape (n_samples, n_outputs)."""
        import numpy as np

        texts = [value if isinstance(value, str) else "" for value in columns[self.name].tolist()]
        # One that is there many times is counted once.
        encoded = {text: self._encoded(text) for text in dict.fromkeys(texts)}
        found = np.empty((len(texts), self.directions.shape[1]))
        for row, text in enumerate(texts):
            found[row] = encoded[text]
        return found

    def _encoded(self, text: str) -> Array:
        import numpy as np

        known, groups = self._places, _GROUPS_OF[self.letters]
        counts = Counter(place for part in groups(text.lower()) if (place := known.get(part)) is not None)
        if not counts:
            return np.zeros(self.directions.shape[1])
        places = np.array(sorted(counts))
        weights = np.log(np.array([counts[place] for place in places.tolist()], dtype="float32")) + np.float32(1)
        weights *= self.idf[places]
        norm = np.sqrt((weights * weights).astype("float64").sum())
        weights = (weights / norm).astype("float32")
        # Added up one after another in single precision, as scipy's product of a sparse matrix does: trees may have
        # split between two sums that differ in the last place alone.
        found: Array = (weights[:, None] * self.directions[places]).sum(axis=0)
        return found


def _pairs(text: str) -> Iterator[str]:
    words = _WORD.findall(text)
    yield from words
    for first, second in pairwise(words):
        yield f"{first} {second}"


def _letters(text: str) -> Iterator[str]:
    for word in _SPACES.sub(" ", text).split():
        padded = f" {word} "
        for size in _GROUPS:
            last = len(padded) - size
            yield from (padded[begin : begin + size] for begin in range(max(0, last) + 1))
            if last <= 0:
                # A word shorter than the group counts once.
                break


_GROUPS_OF: dict[bool, Callable[[str], Iterator[str]]] = {False: _pairs, True: _letters}
