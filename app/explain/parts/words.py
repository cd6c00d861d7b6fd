"""The words of a text, each with the places where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from app.errors import Fault, InvalidData, at
from app.explain.base import Subject
from app.explain.found import Part
from app.explain.parts.coded import Coded
from app.explain.parts.counted import Counted, Mix
from app.pipelines.pace import in_blocks

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Different words that are told apart; those that come after stay as they are.
MOST = 500

#: Texts that the model is asked for at once.
_TOGETHER = 5_000


@dataclass(frozen=True)
class Words:
    """A row with texts, of which words are left out; see `Masked`.

    A word is one part wherever it occurs, as models that count words see it.

    Attributes
    ----------
    places
        Of each part where it stands: (start, end) in characters, the first one being that of the part.
    """

    subject: Subject
    row: pd.DataFrame
    parts: tuple[Part, ...]
    places: tuple[tuple[tuple[int, int], ...], ...]
    cost: int = 1
    background: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, subject: Subject, row: pd.DataFrame, columns: list[str]) -> Self:
        """Take the texts of some columns apart.

        Raises
        ------
        InvalidData
            There is not one word.
        """
        found: dict[tuple[str, str], list[tuple[int, int]]] = {}
        texts = {}
        for name in columns:
            text = row[name].iloc[0]
            texts[name] = text if isinstance(text, str) else ""
            for match in re.finditer(r"\w+", texts[name]):
                found.setdefault((name, match.group()), []).append(match.span())
        if not found:
            raise InvalidData(
                "The text is empty: it has no word to explain.",
                [Fault(at("raw_data", name), "has no word") for name in columns],
            )
        kept = list(found.items())[:MOST]
        parts = tuple(Part(name, word, *spans[0]) for (name, word), spans in kept)
        spans = tuple(tuple(spans) for _, spans in kept)
        shown = {(part.feature, part.value): list(map(list, places)) for part, places in zip(parts, spans, strict=True)}
        words = [{"feature": name, "value": word, "spans": places} for (name, word), places in shown.items()]
        return cls(subject, row, parts, spans, details={"texts": texts, "words": words})

    def answers(self, masks: Array, others: Array | None = None) -> Array:
        """Leave words out, and ask the model; the same text is asked for once."""
        import numpy as np

        known = self._known
        if known is not None:
            return np.concatenate(in_blocks(known.answers, masks, _TOGETHER))
        unique, back = np.unique(np.packbits(masks, axis=1), axis=0, return_inverse=True)
        unique = np.unpackbits(unique, axis=1, count=masks.shape[1]).astype(bool)
        answers: Array = np.concatenate(in_blocks(self._answered, unique, _TOGETHER))[back.ravel()]
        return answers

    def _answered(self, masks: Array) -> Array:
        import numpy as np
        import pandas as pd

        rows = {name: self.row[name].array.take(np.zeros(len(masks), dtype=int)) for name in self.row.columns}
        for name in self.details["texts"]:
            rows[name] = pd.array(self._texts(name, masks), dtype="str")
        return self.subject.predict(pd.DataFrame(rows))

    @cached_property
    def _known(self) -> Counted | Mix | Coded | None:
        """The texts as the model sees them; None where it has to be sent whole texts."""
        numbers = {(part.feature, part.value): number for number, part in enumerate(self.parts)}
        return Counted.of(self.subject, self.row, numbers) or Coded.of(self.subject, self.row, numbers)

    def _texts(self, name: str, masks: Array) -> list[str]:
        """Return the text of a column under each mask.

        It is cut once, into words and what stands between them, so that a mask only chooses pieces.
        """
        import numpy as np

        text = self.details["texts"][name]
        cuts = sorted(
            (start, end, number)
            for number, (part, spans) in enumerate(zip(self.parts, self.places, strict=True))
            if part.feature == name
            for start, end in spans
        )
        pieces, owners, last = [], [], 0
        for start, end, number in cuts:
            pieces += [text[last:start], text[start:end]]
            owners += [-1, number]
            last = end
        pieces.append(text[last:])
        owners.append(-1)
        # One more column is always kept: what is between words belongs to none.
        always = np.hstack([masks, np.ones((len(masks), 1), dtype=bool)])
        cut = np.array(pieces, dtype="object")
        return ["".join(cut[kept]) for kept in always[:, owners]]
