"""Texts without some of their words, counted as the pipeline counts them, but without writing any of them down.

The words of a text are looked up once. Of each mask the words that are left, and the pairs that then follow each other,
are counted; the weights and directions of `TextEncoder` make numbers of the counts, the same to the last bit as of the
texts themselves. Where nothing but a linear model follows, its weights are multiplied by the directions first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from app.explain import linear
from app.explain.base import FinalStep, Subject
from app.pipelines.encoders import TextEncoder

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Different words of a text up to which all their pairs are one table: of 16 MB at this number.
_MOST = 2_000

#: Words of all texts that are counted at once: more than a core's cache holds take half as long again.
_TOGETHER = 100_000


@dataclass(frozen=True)
class Counted:
    """A row of whose texts words are left out.

    Attributes
    ----------
    own
        What the first step makes of the row, shape (1, n_numbers), without what the texts add to it.
    texts
        The texts, each with the places of its numbers among these.
    answer
        From such numbers, shape (n_masks, n_numbers), to what the model answers.
    """

    own: Array
    texts: tuple[tuple[slice, _Text], ...]
    answer: Callable[[Array], Array]

    @staticmethod
    def of(subject: Subject, row: pd.DataFrame, words: Mapping[tuple[str, str], int]) -> Counted | None:
        """Look up the texts of a row; None where the pipeline counts no words, or counts them in another way.

        Parameters
        ----------
        words
            The number in a mask of each word of a column. Other words are always kept.
        """
        import numpy as np

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
                following = subject.once(f"pairs of {name}", partial(_following, vectorizer.vocabulary_))
                text = _Text.of(vectorizer, following, directions, row[name].iloc[0], of_column)
                if text is None:
                    return None
                texts.append((slice(start, end), text))
            start = end
        n_numbers = max(place.stop for place in first.output_indices_.values())
        # Where the texts are all there is, what the first step makes of the row itself need not be known.
        alone = sum(place.stop - place.start for place, _ in texts) == n_numbers
        own = np.zeros((1, n_numbers)) if alone else np.array(first.transform(row), dtype="float64")
        for place, _ in texts:
            own[:, place] = 0.0
        return _weighed(final, own, texts) or Counted(own, tuple(texts), partial(_answered, final))

    def answers(self, masks: Array) -> Array:
        """Return what the model answers, (n_masks, n_words) to (n_masks, n_outputs)."""
        import numpy as np

        values = np.repeat(self.own, len(masks), axis=0)
        for place, text in self.texts:
            values[:, place] += text.encoded(masks)
        return self.answer(values)


def _answered(final: FinalStep, values: Array) -> Array:
    import numpy as np

    for step in final.steps[1:]:
        values = step.transform(values)
    return final.answers(np.asarray(values, dtype="float64"))


def _weighed(final: FinalStep, own: Array, texts: Sequence[tuple[slice, _Text]]) -> Counted | None:
    """Return the texts with what a linear model adds up of them as their numbers; None where that is not all."""
    answer = linear.answering(final.model) if len(final.steps) == 1 else None
    if answer is None:
        return None
    weights, base = linear.weights(final.model)
    whole = slice(None)
    summed = [(whole, replace(text, directions=text.directions @ weights[place])) for place, text in texts]
    return Counted(own @ weights + base, tuple(summed), answer)


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
    rarity, directions
        Of what is counted: its inverse document frequency, and the numbers that it becomes.
    """

    words: Array
    tokens: Array
    singles: Array
    pairs: Array
    rarity: Array
    directions: Array

    @classmethod
    def of(
        cls,
        vectorizer: Any,
        following: Mapping[str, Mapping[str, int]],
        directions: Array,
        text: str,
        numbers: Mapping[str, int],
    ) -> Self | None:
        """Look up a text; None where its words would be cut in another way once some of them are gone."""
        import numpy as np

        cut = vectorizer.build_tokenizer()
        found = [(token, numbers.get(word, -1)) for word in re.findall(r"\w+", text) for token in cut(word.lower())]
        different = {token: number for number, token in enumerate(dict.fromkeys(token for token, _ in found))}
        # In lower case a word may come apart, and the last letter of a Greek one is written by what is behind it.
        if "Σ" in text or [token for token, _ in found] != cut(text.lower()) or not 0 < len(different) <= _MOST:
            return None
        counted = vectorizer.vocabulary_
        singles = np.array([counted.get(token, -1) for token in different], dtype="int32")
        pairs = np.full((len(different), len(different)), -1, dtype="int32")
        for word, place in different.items():
            behind = following.get(word, {})
            for other in behind.keys() & different.keys():
                pairs[place, different[other]] = behind[other]
        # Only what can be counted in this text; the order stays, as sums depend on it in the last place.
        known = np.unique(np.append(pairs, singles))
        known = known[known >= 0]
        new = np.full(len(counted) + 1, -1, dtype="int32")
        new[known] = np.arange(len(known))
        words, tokens = np.array([(number, different[token]) for token, number in found]).T
        return cls(words, tokens, new[singles][tokens], new[pairs], vectorizer.idf_[known], directions[known])

    def encoded(self, masks: Array) -> Array:
        """Return the numbers of the text under each mask, shape (n_masks, n_outputs)."""
        import numpy as np

        step = max(1, _TOGETHER // len(self.words))
        return np.concatenate([self._encoded(masks[first : first + step]) for first in range(0, len(masks), step)])

    def _encoded(self, masks: Array) -> Array:
        import numpy as np
        from sklearn.utils.sparsefuncs_fast import inplace_csr_row_normalize_l2

        if not len(self.directions):
            # Training had none of its words.
            return np.zeros((len(masks), self.directions.shape[1]))
        counts = self._counts(masks)
        # TF-IDF, its frequencies logarithmic, computed in the order in which scikit-learn does.
        np.log(counts.data, counts.data)
        counts.data += 1.0
        counts.data *= self.rarity[counts.indices]
        inplace_csr_row_normalize_l2(counts)
        found: Array = counts @ self.directions
        return found

    def _counts(self, masks: Array) -> Any:
        """Return how often each word, and each pair of words, is there: sparse, shape (n_masks, n_counted)."""
        import numpy as np
        from scipy.sparse import csr_matrix

        n_masks, n_places, n_counted = len(masks), len(self.words), len(self.directions)
        kept = np.hstack([masks, np.ones((n_masks, 1), dtype=bool)])[:, self.words]
        each = kept.sum(axis=1)
        # Half the width of what NumPy counts with takes half the time to sort.
        begins = np.repeat(np.arange(n_masks, dtype="int32") * n_counted, each)
        places = np.flatnonzero(kept) - np.repeat(np.arange(n_masks) * n_places, each)
        tokens = self.tokens[places]
        singles, pairs = self.singles[places], self.pairs.ravel().take(tokens[:-1] * len(self.pairs) + tokens[1:])
        follows = (begins[1:] == begins[:-1]) & (pairs >= 0)
        cells = np.concatenate([(begins + singles)[singles >= 0], (begins[:-1] + pairs)[follows]])
        cells.sort()
        new = np.ones(len(cells) + 1, dtype=bool)
        np.not_equal(cells[1:], cells[:-1], out=new[1:-1])
        starts = np.flatnonzero(new)
        times, cells = np.diff(starts).astype("float32"), cells[starts[:-1]]
        ends = np.searchsorted(cells, np.arange(n_masks + 1, dtype="int32") * n_counted)
        return csr_matrix((times, cells % n_counted, ends), shape=(n_masks, n_counted))


def _following(counted: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return {word: {word behind it: as what the pair is counted}}: of a text most pairs are none that is."""
    found: dict[str, dict[str, int]] = {}
    for name, number in counted.items():
        word, _, other = name.partition(" ")
        if other:
            found.setdefault(word, {})[other] = number
    return found
