"""Texts without some of their words, counted as the pipeline counts them, but without writing any of them down.

The words of a text are looked up once. Of each mask the words that are left, and the pairs that then follow each other,
are counted; the weights and directions of `TextEncoder` make numbers of the counts, the same to the last bit as of the
texts themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from app.explain.base import FinalStep, Subject
from app.pipelines.encoders import TextEncoder

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Different words of a text up to which all their pairs are one table: of 16 MB at this number.
_MOST = 2_000

#: Words of all texts that are counted at once.
_TOGETHER = 2_000_000


@dataclass(frozen=True)
class Counted:
    """A row of whose texts words are left out.

    Attributes
    ----------
    own
        What the first step makes of the row, shape (1, n_numbers).
    texts
        The texts, each with the places of its numbers among these.
    """

    final: FinalStep
    own: Array
    texts: tuple[tuple[slice, _Text], ...]

    @classmethod
    def of(cls, subject: Subject, row: pd.DataFrame, words: Mapping[tuple[str, str], int]) -> Self | None:
        """Look up the texts of a row; None where the pipeline counts no words, or counts them in another way.

        Parameters
        ----------
        words
            The number in a mask of each word of a column. Other words are always kept.
        """
        final = subject.final
        first = final.steps[0] if final is not None and final.steps else None
        encoder = getattr(first, "named_transformers_", {}).get("text")
        if final is None or first is None or not isinstance(encoder, TextEncoder):
            return None
        texts, start = [], first.output_indices_["text"].start
        learned = zip(encoder.feature_names_in_, encoder.vectorizers_, encoder.directions_, strict=True)
        for name, vectorizer, directions in learned:
            of_column = {word: number for (column, word), number in words.items() if column == name}
            end = start + directions.shape[1]
            # A column that had no word in training is the same number whatever is left out.
            if of_column and vectorizer is not None:
                text = _Text.of(vectorizer, directions, row[name].iloc[0], of_column)
                if text is None:
                    return None
                texts.append((slice(start, end), text))
            start = end
        return cls(final, first.transform(row), tuple(texts))

    def answers(self, masks: Array) -> Array:
        """Return what the model answers, (n_masks, n_words) to (n_masks, n_outputs)."""
        import numpy as np

        step = max(1, _TOGETHER // max((len(text.words) for _, text in self.texts), default=1))
        return np.concatenate([self._answers(masks[place : place + step]) for place in range(0, len(masks), step)])

    def _answers(self, masks: Array) -> Array:
        import numpy as np

        values = np.repeat(self.own, len(masks), axis=0)
        for place, text in self.texts:
            values[:, place] = text.encoded(masks)
        for step in self.final.steps[1:]:
            values = step.transform(values)
        return self.final.answers(np.asarray(values, dtype="float64"))


@dataclass(frozen=True)
class _Text:
    """One text, looked up.

    Attributes
    ----------
    words
        Which word of the mask stands at each place of the text, shape (n_places,); -1 is always kept.
    tokens
        Which of the different words stands there.
    singles, pairs
        As what each place is counted, shape (n_places,), and each two of the different words, (n_tokens, n_tokens); -1
        is not.
    weights, directions
        From what is counted to numbers.
    """

    words: Array
    tokens: Array
    singles: Array
    pairs: Array
    weights: Any
    directions: Array

    @classmethod
    def of(cls, vectorizer: Any, directions: Array, text: str, numbers: Mapping[str, int]) -> Self | None:
        """Look up a text; None where its words would be cut in another way once some of them are gone."""
        import numpy as np
        from sklearn.feature_extraction.text import TfidfTransformer

        cut = vectorizer.build_tokenizer()
        found = [(token, numbers.get(word, -1)) for word in re.findall(r"\w+", text) for token in cut(word.lower())]
        different = {token: number for number, token in enumerate(dict.fromkeys(token for token, _ in found))}
        # In lower case a word may come apart, and the last letter of a Greek one is written by what is behind it.
        if "Σ" in text or [token for token, _ in found] != cut(text.lower()) or not 0 < len(different) <= _MOST:
            return None
        counted = vectorizer.vocabulary_
        singles = np.array([counted.get(token, -1) for token in different], dtype="int32")
        pairs = np.array([[counted.get(f"{a} {b}", -1) for b in different] for a in different], dtype="int32")
        # Only what can be counted in this text; the order stays, as sums depend on it in the last place.
        known = np.unique(np.append(pairs, singles))
        known = known[known >= 0]
        new = np.full(len(counted) + 1, -1, dtype="int32")
        new[known] = np.arange(len(known))
        weights = TfidfTransformer(norm=vectorizer.norm, sublinear_tf=vectorizer.sublinear_tf)
        weights.idf_ = vectorizer.idf_[known]
        words, tokens = np.array([(number, different[token]) for token, number in found], dtype="int32").T
        return cls(words, tokens, new[singles][tokens], new[pairs], weights, directions[known])

    def encoded(self, masks: Array) -> Array:
        """Return the numbers of the text under each mask, shape (n_masks, n_outputs)."""
        import numpy as np

        if not len(self.directions):
            # Training had none of its words.
            return np.zeros((len(masks), self.directions.shape[1]))
        found: Array = self.weights.transform(self._counts(masks), copy=False) @ self.directions
        return found

    def _counts(self, masks: Array) -> Any:
        """Return how often each word, and each pair of words, is there: sparse, shape (n_masks, n_counted)."""
        import numpy as np
        from scipy.sparse import csr_matrix

        n_places, n_counted = len(self.words), len(self.directions)
        always = np.hstack([masks, np.ones((len(masks), 1), dtype=bool)])
        # Half the width of what NumPy counts with takes half the time.
        kept = np.flatnonzero(always[:, self.words]).astype("int32")
        rows = kept // n_places
        places = kept - rows * n_places
        tokens, begins = self.tokens[places], rows * n_counted
        pairs = self.pairs.ravel()[tokens[:-1] * len(self.pairs) + tokens[1:]]
        singles = self.singles[places]
        follows = (rows[1:] == rows[:-1]) & (pairs >= 0)
        cells = np.concatenate([(begins + singles)[singles >= 0], (begins[:-1] + pairs)[follows]])
        cells.sort()
        starts = np.flatnonzero(np.diff(cells, prepend=np.int32(-1)))
        times = np.diff(starts, append=len(cells)).astype("float32")
        cells = cells[starts]
        ends = np.searchsorted(cells, np.arange(len(masks) + 1, dtype="int32") * n_counted)
        return csr_matrix((times, cells % n_counted, ends), shape=(len(masks), n_counted))
