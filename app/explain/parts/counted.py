"""Texts without some of their words, counted as the pipeline counts them, but without writing any of them down.

The weights and directions of `TextEncoder` make numbers of the counts, the same as of the texts themselves but for the
last place. Where nothing but a linear model follows, its weights are multiplied by the directions first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from app.explain import linear
from app.explain.base import Member, Subject
from app.explain.parts.tfidf import Text, pairs_of
from app.explain.structure import averaged
from app.pipelines.encoders import TextEncoder

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


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
    texts: tuple[tuple[slice, Text], ...]
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
        texts: dict[int, list[tuple[slice, Text]] | None] = {}
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
    """The same of several pipelines that are averaged: texts that they count alike are counted once.

    Attributes
    ----------
    members, each
        The pipelines, and the row as each of them counts it.
    """

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
) -> list[tuple[slice, Text]] | None:
    """Look up the texts of a row, each with the places of its numbers among those of the encoder."""
    texts, start = [], 0
    for name, vectorizer, directions in zip(
        encoder.feature_names_in_, encoder.vectorizers_, encoder.directions_, strict=True
    ):
        of_column = {word: number for (column, word), number in words.items() if column == name}
        end = start + directions.shape[1]
        # A column that had no word in training is the same number whatever is left out.
        if of_column and vectorizer is not None:
            following = subject.once(f"pairs of {number} {name}", partial(pairs_of, vectorizer.vocabulary_))
            text = Text.of(vectorizer, following, directions, row[name].iloc[0], of_column)
            if text is None:
                return None
            texts.append((slice(start, end), text))
        start = end
    return texts


def _counted(member: Member, row: pd.DataFrame, texts: Sequence[tuple[slice, Text]]) -> Counted:
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
