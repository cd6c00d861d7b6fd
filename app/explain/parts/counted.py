"""Texts without some of their words, counted as the pipeline counts them, but without writing any of them down.

The words of a text are looked up once. Of each mask the words that are left, and the pairs that then follow each other,
are counted; the weights and directions of `TextEncoder` make numbers of the counts, the same as of the texts themselves
but for the last place. Where nothing but a linear model follows, its weights are multiplied by the directions first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from app.explain import cores, linear
from app.explain.base import Member, Subject
from app.explain.structure import averaged
from app.pipelines.encoders import TextEncoder

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Different words of a text up to which all their pairs are one table: of 16 MB at this number.
_MOST = 2_000

#: Words of all texts that are counted at once: more than a core's cache holds, as cores that share the work wait for
#: each other between two steps of it.
_TOGETHER = 250_000


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
    def of(subject: Subject, row: pd.DataFrame, words: Mapping[tuple[str, str], int]) -> Counted | Mix | None:
        """Look up the texts of a row; None where the pipeline counts no words, or counts them in another way.

        Parameters
        ----------
        words
            The number in a mask of each word of a column. Other words are always kept.
        """
        encoders = [encoder for member in subject.members if (encoder := _encoder(member)) is not None]
        if not encoders or len(encoders) < len(subject.members):
            return None
        texts: dict[int, list[tuple[slice, _Text]] | None] = {}
        found = []
        for place, member in zip(subject.once("encoders", partial(_alike, encoders)), subject.members, strict=True):
            if place not in texts:
                texts[place] = _texts(subject, place, encoders[place], row, words)
            known = texts[place]
            if known is None:
                return None
            found.append(_counted(member, row, known))
        if len(found) == 1:
            return _weighed(subject.members[0], found[0]) or found[0]
        return Mix(subject.members, tuple(found))

    def answers(self, masks: Array, encoded: dict[int, Array] | None = None) -> Array:
        """Return what the model answers, (n_masks, n_words) to (n_masks, n_outputs).

        Parameters
        ----------
        encoded
            Numbers of texts, by their identity: what is in it is not computed again, and what is computed is put there.
        """
        import numpy as np

        encoded = {} if encoded is None else encoded
        values = np.repeat(self.own, len(masks), axis=0)
        for place, text in self.texts:
            if id(text) not in encoded:
                encoded[id(text)] = text.encoded(masks)
            values[:, place] += encoded[id(text)]
        return self.answer(values)


@dataclass(frozen=True)
class Mix:
    """The same of several pipelines that are averaged: texts that they count alike are counted once."""

    members: tuple[Member, ...]
    each: tuple[Counted, ...]

    def answers(self, masks: Array) -> Array:
        """Return the mean of what the members answer."""
        encoded: dict[int, Array] = {}
        return averaged([one.answers(masks, encoded) for one in self.each], self.members)


def _encoder(member: Member) -> TextEncoder | None:
    """Return what encodes the texts of a pipeline."""
    found = getattr(member.steps[0], "named_transformers_", {}).get("text")
    return found if isinstance(found, TextEncoder) else None


def _alike(encoders: Sequence[TextEncoder]) -> list[int]:
    """Return for each encoder the place of the first one that has learned the same: members of a mix usually do."""
    found: list[int] = []
    for place, encoder in enumerate(encoders):
        same = (first for first in dict.fromkeys(found) if _same(encoders[first], encoder))
        found.append(next(same, place))
    return found


def _same(one: TextEncoder, other: TextEncoder) -> bool:
    import numpy as np

    def words(vectorizer: Any) -> Any:
        return None if vectorizer is None else (vectorizer.vocabulary_, vectorizer.idf_.tolist())

    return (
        one.get_params() == other.get_params()
        and list(one.feature_names_in_) == list(other.feature_names_in_)
        and all(map(np.array_equal, one.directions_, other.directions_))
        and [words(each) for each in one.vectorizers_] == [words(each) for each in other.vectorizers_]
    )


def _texts(
    subject: Subject, number: int, encoder: TextEncoder, row: pd.DataFrame, words: Mapping[tuple[str, str], int]
) -> list[tuple[slice, _Text]] | None:
    """Look up the texts of a row, each with the places of its numbers among those of the encoder."""
    texts, start = [], 0
    for name, vectorizer, directions in zip(
        encoder.feature_names_in_, encoder.vectorizers_, encoder.directions_, strict=True
    ):
        of_column = {word: number for (column, word), number in words.items() if column == name}
        end = start + directions.shape[1]
        # A column that had no word in training is the same number whatever is left out.
        if of_column and vectorizer is not None:
            following = subject.once(f"pairs of {number} {name}", partial(_following, vectorizer.vocabulary_))
            text = _Text.of(vectorizer, following, directions, row[name].iloc[0], of_column)
            if text is None:
                return None
            texts.append((slice(start, end), text))
        start = end
    return texts


def _counted(member: Member, row: pd.DataFrame, texts: Sequence[tuple[slice, _Text]]) -> Counted:
    import numpy as np

    first = member.steps[0]
    before = first.output_indices_["text"].start
    placed = tuple((slice(before + place.start, before + place.stop), text) for place, text in texts)
    n_numbers = max(place.stop for place in first.output_indices_.values())
    # Where the texts are all there is, what the first step makes of the row itself need not be known.
    alone = sum(place.stop - place.start for place, _ in placed) == n_numbers
    own = np.zeros((1, n_numbers)) if alone else np.array(first.transform(row), dtype="float64")
    for place, _ in placed:
        own[:, place] = 0.0
    return Counted(own, placed, partial(_answered, member))


def _answered(member: Member, values: Array) -> Array:
    import numpy as np

    for step in member.steps[1:]:
        values = step.transform(values)
    return member.answers(np.asarray(values, dtype="float64"))


def _weighed(member: Member, counted: Counted) -> Counted | None:
    """Return the texts with what a linear model adds up of them as their numbers; None where that is not all."""
    answer = linear.answering(member.model) if len(member.steps) == 1 else None
    if answer is None:
        return None
    weights, base = linear.weights(member.model)
    whole = slice(None)
    summed = [(whole, replace(text, directions=text.directions @ weights[place])) for place, text in counted.texts]
    return Counted(counted.own @ weights + base, tuple(summed), answer)


@dataclass(frozen=True)
class _Text:
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
        # Only what can be counted in this text; the order stays, as sums depend on it in the last place.
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
        weights = np.where(times > 0, 1 + np.log(np.maximum(times, 1)), 0) * self.rarity[self.singles]
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
        tokens = np.broadcast_to(np.append(self.tokens, n_tokens - 1), kept.shape)[kept]
        pairs = self.pairs.ravel().take(tokens[:-1] * n_tokens + tokens[1:])
        known = np.flatnonzero(pairs >= 0)
        rows = np.flatnonzero(kept)[known] // kept.shape[1]
        # Half the width of what NumPy counts with takes half the time to sort.
        cells = rows.astype("int32") * n_counted + pairs[known]
        # Mask by mask they are in order already.
        cells.sort(kind="stable")
        new = np.ones(len(cells) + 1, dtype=bool)
        np.not_equal(cells[1:], cells[:-1], out=new[1:-1])
        starts = np.flatnonzero(new)
        cells = cells[starts[:-1]]
        ends = np.searchsorted(cells, np.arange(n_masks + 1) * n_counted)
        return csr_matrix((np.diff(starts).astype("float32"), cells % n_counted, ends), shape=(n_masks, n_counted))


def _following(counted: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return {word: {word behind it: as what the pair is counted}}: of a text most pairs are none that is."""
    found: dict[str, dict[str, int]] = {}
    for name, number in counted.items():
        word, _, other = name.partition(" ")
        if other:
            found.setdefault(word, {})[other] = number
    return found
