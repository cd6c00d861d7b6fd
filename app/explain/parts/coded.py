"""A text without some of its words as a network reads it: the codes of those that are left, without writing any down.

To write thousands of texts and to look up their words again takes longer than the network does. What is behind the end
of a text is filled up, and a network that looks for the largest of each feature finds nothing there: where it answers
the same of inputs that are cut short, each is as long as its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from app.explain import cores
from app.explain.base import Subject
from app.pipelines.compiled.operation import Declined

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Masks that are answered at once: what a layer makes of more fits no core's cache.
_TOGETHER = 128

#: Codes that fill up an input at least which is cut short, as the last words of a text are seen together with them: the
#: fewest do that are enough for a network.
_FILLED = (8, 16, 32)

#: Lengths, and texts of each, of which is seen whether inputs can be cut short; the difference that is rounding.
_LENGTHS, _OF_EACH, _ROUNDING = 8, 4, 1e-6


@dataclass(frozen=True)
class Coded:
    """One text, looked up.

    Attributes
    ----------
    words
        Which word of the mask stands at each place of the text, shape (n_places,); -1 is always kept.
    codes
        As what the network knows the word there, int32 of shape (n_places,).
    length
        Codes that the network reads; 0 fills up.
    answer
        From such codes, shape (n_masks, length), to what the model answers.
    """

    words: Array
    codes: Array
    length: int
    answer: Callable[[Array], Array]

    @classmethod
    def of(cls, subject: Subject, row: pd.DataFrame, numbers: Mapping[tuple[str, str], int]) -> Self | None:
        """Look up the text of a row; None where the model is no network of texts, or cuts this one in another way.

        Parameters
        ----------
        numbers
            The number in a mask of each word of the column. Other words are always kept.
        """
        import numpy as np
        import pandas as pd

        network = subject.network
        if network is None or network.reads != "text" or network.answers is None:
            return None
        (name,) = subject.columns
        text = row[name].iloc[0]
        found = re.findall(r"\w+", text)
        different = {word: place for place, word in enumerate(dict.fromkeys(found))}
        encoded = network.inputs(pd.DataFrame({name: pd.array([*different, text], dtype="str")}))
        alone, whole = encoded[:-1], encoded[-1]
        codes = alone[[different[word] for word in found], 0]
        read = codes[: len(whole)]
        # In lower case a word may come apart, and the last letter of a Greek one is written by what is behind it.
        apart = (np.count_nonzero(alone, axis=1) != 1).any() or not np.array_equal(whole[: len(read)], read)
        if "Σ" in text or apart:
            return None
        words = np.array([numbers.get((name, word), -1) for word in found])
        return cls(words, codes, len(whole), network.answers)

    def answers(self, masks: Array) -> Array:
        """Return what the model answers, (n_masks, n_words) to (n_masks, n_outputs)."""
        import numpy as np

        filled = self._filled
        kept = np.hstack([masks, np.ones((len(masks), 1), dtype=bool)]).take(self.words, axis=1)
        # Texts of about one length together, so that none is filled up for a longer one.
        order = np.argsort(np.count_nonzero(kept, axis=1), kind="stable")
        blocks = [order[first : first + _TOGETHER] for first in range(0, len(order), _TOGETHER)]
        told = np.concatenate(cores.each(lambda rows: self._answered(kept[rows], filled), blocks))
        answers = np.empty_like(told)
        answers[order] = told
        return answers

    @cached_property
    def _filled(self) -> int:
        """Return how many codes fill up an input at least: all of them where the network answers otherwise of fewer."""
        import numpy as np

        generator = np.random.default_rng(0)
        lengths = np.linspace(0, len(self.words), _LENGTHS).astype(int)[:, None, None]
        some = np.broadcast_to(np.arange(len(self.words)) < lengths, (_LENGTHS, _OF_EACH, len(self.words)))
        kept = generator.permuted(some, axis=2)
        whole = self._answered(np.concatenate(kept), self.length)
        for filled in _FILLED:
            try:
                short = np.concatenate([self._answered(each, filled) for each in kept])
            except Declined:
                # A convolution may see more words than there are.
                continue
            if np.allclose(short, whole, rtol=_ROUNDING, atol=_ROUNDING):
                return filled
        return self.length

    def _answered(self, kept: Array, filled: int) -> Array:
        """Answer texts of the words at some places, shape (n_texts, n_places)."""
        import numpy as np

        lengths = np.count_nonzero(kept, axis=1)
        longest = int(lengths.max())
        inputs = np.zeros((len(kept), max(longest, self.length)), dtype="int32")
        inputs[np.arange(inputs.shape[1]) < lengths[:, None]] = np.broadcast_to(self.codes, kept.shape)[kept]
        return self.answer(inputs[:, : min(longest + filled, self.length)])
