"""One text without some of its words: TF-IDF of what is left, of many masks at once.

The words are looked up once. Of each mask the words that are left, and the pairs that then follow each other, are
counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from app.explain import cores

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Different words of a text up to which all their pairs are one table: of 16 MB at this number.
_MOST = 2_000

#: Words of all texts that are counted at once. Of fewer, cores that share the work wait for each other more often; of
#: twice as many, what NumPy takes of memory goes back to the system each time, and is asked for again page by page.
_TOGETHER = 150_000


@dataclass(frozen=True)
class Text:
    """One text, looked up.

    Attributes
    ----------
    words
        Which word of the mask stands at each place of the text, shape (n_places,); -1 is always kept.
    tokens
        Which of the different words stands there.
    singles
        As what words alone are counted, in order, shape (n_singles,).
    occurrences
        How often each word of the mask, and at last what is always kept, is counted so, float32 of shape (n_words + 1,
        n_singles).
    pairs
        As what each two of the different words are counted, shape (n_tokens + 1, n_tokens + 1); -1 is not, as what
        follows the last one.
    rarity, directions
        Of what is counted: its inverse document frequency, and the numbers that it becomes.
    """

    words: Array
    tokens: Array
    singles: Array
    occurrences: Array
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
        pairs = np.full((len(different) + 1, len(different) + 1), -1, dtype="int32")
        for word, place in different.items():
            behind = following.get(word, {})
            for other in behind.keys() & different.keys():
                pairs[place, different[other]] = behind[other]
        # Only what can be counted in this text.
        known = np.unique(np.append(pairs, singles))
        known = known[known >= 0]
        new = np.full(len(counted) + 1, -1, dtype="int32")
        new[known] = np.arange(len(known))
        words, tokens = np.array([(number, different[token]) for token, number in found]).T
        each = new[singles][tokens]
        alone, places = np.unique(each[each >= 0], return_inverse=True)
        occurrences = np.zeros((max(numbers.values()) + 2, len(alone)), dtype="float32")
        np.add.at(occurrences, (words[each >= 0], places), 1)
        return cls(words, tokens, alone, occurrences, new[pairs], vectorizer.idf_[known], directions[known])

    def encoded(self, masks: Array) -> Array:
        """Return the numbers of the text under each mask, shape (n_masks, n_outputs)."""
        import numpy as np

        step = max(1, _TOGETHER // len(self.words))
        blocks = [masks[first : first + step] for first in range(0, len(masks), step)]
        return np.concatenate(cores.each(self._encoded, blocks))

    def _encoded(self, masks: Array) -> Array:
        """Compute TF-IDF, its frequencies logarithmic, in single precision, as scikit-learn does.

        Words alone, which most masks have, are all computed; of pairs those that are there.
        """
        import numpy as np

        if not len(self.directions):
            # Training had none of its words.
            return np.zeros((len(masks), self.directions.shape[1]))
        kept = np.hstack([masks, np.ones((len(masks), 1), dtype=bool)])
        times = kept[:, : len(self.occurrences) - 1].astype("float32") @ self.occurrences[:-1] + self.occurrences[-1]
        weights = _logarithmic(int(times.max(initial=0))).take(times.astype("int64")) * self.rarity[self.singles]
        pairs = self._pairs(kept)
        np.log(pairs.data, pairs.data)
        pairs.data += 1
        pairs.data *= self.rarity[pairs.indices]
        of_pairs = np.bincount(np.repeat(np.arange(len(masks)), np.diff(pairs.indptr)), pairs.data**2, len(masks))
        norms = np.sqrt(np.einsum("ij,ij->i", weights, weights) + of_pairs)
        found: Array = weights @ self.directions[self.singles] + pairs @ self.directions
        return found / np.where(norms > 0, norms, 1)[:, None]

    def _pairs(self, kept: Array) -> Any:
        """Return how often each pair of words is there: sparse float32 of shape (n_masks, n_counted).

        Parameters
        ----------
        kept
            Which words are, and at last True, shape (n_masks, n_words + 1).
        """
        import numpy as np
        from scipy.sparse import csr_matrix

        n_masks, n_counted, n_tokens = len(kept), len(self.directions), len(self.pairs)
        # The last one of a text is followed by none that is counted.
        kept = kept.take(np.append(self.words, -1), axis=1)
        # By its place each is taken in a fifth of the time that NumPy takes to choose by the mask itself.
        places = np.flatnonzero(kept)
        tokens = np.tile(np.append(self.tokens, n_tokens - 1), n_masks).take(places)
        pairs = self.pairs.ravel().take(tokens[:-1] * n_tokens + tokens[1:])
        known = np.flatnonzero(pairs >= 0)
        rows = places[known] // kept.shape[1]
        # Half the width of what NumPy counts with takes half the time to sort.
        cells = rows.astype("int32") * n_counted + pairs[known]
        cells.sort()
        new = np.ones(len(cells) + 1, dtype=bool)
        np.not_equal(cells[1:], cells[:-1], out=new[1:-1])
        starts = np.flatnonzero(new)
        cells = cells[starts[:-1]]
        ends = np.searchsorted(cells, np.arange(n_masks + 1) * n_counted)
        return csr_matrix((np.diff(starts).astype("float32"), cells % n_counted, ends), shape=(n_masks, n_counted))


def _logarithmic(most: int) -> Array:
    """Return as how many each number up to the greatest counts, float32 of shape (most + 1,)."""
    import numpy as np

    found = np.arange(most + 1, dtype="float32")
    found[1:] = np.log(found[1:]) + 1
    return found


def pairs_of(counted: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return {word: {word behind it: as what the pair is counted}}: of a text most pairs are none that is."""
    found: dict[str, dict[str, int]] = {}
    for name, number in counted.items():
        word, _, other = name.partition(" ")
        if other:
            found.setdefault(word, {})[other] = number
    return found
