"""What of a row can be left out, one module a kind of data; the methods know nothing of the kind."""

from __future__ import annotations

from app.errors import Fault, InvalidParameters, listed
from app.explain.base import Asked, Case, Masked, Subject
from app.payloads.parameters import Kind


def of(subject: Subject, case: Case, asked: Asked) -> Masked:
    """Take a row apart: into regions of an image, words of a text, or columns.

    Raises
    ------
    InvalidParameters
        `text` names no column of text.
    InvalidData
        The text has no word.
    """
    wanted = getattr(asked.parameters, "text", None)
    texts = subject.of_kind(Kind.TEXT)
    if wanted is not None and wanted not in texts:
        known = f"columns of text are {listed(texts)}" if texts else "this model has no column of text; leave it out"
        raise InvalidParameters("There is no such column of text.", [Fault("/params/text", known)])
    if subject.images is not None:
        from app.explain.parts.superpixels import Superpixels

        return Superpixels.of(subject, case.row)
    if by_words(subject, wanted):
        from app.explain.parts.words import Words

        return Words.of(subject, case.row, texts if wanted is None else [wanted])
    from app.explain.parts.columns import Columns

    return Columns.of(subject, case.row)


def by_words(subject: Subject, text: str | None) -> bool:
    """Tell whether a row is taken apart into words: those of the column `text`, or of all where there are but texts."""
    return text is not None or subject.of_kind(Kind.TEXT) == subject.columns
