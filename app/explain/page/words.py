"""Texts with their words coloured by contribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.pipelines.reports.writing import signed

#: Characters of a text that are shown.
MOST = 20_000


@dataclass(frozen=True)
class Piece:
    """A piece of a text.

    Attributes
    ----------
    kind
        up, down, or nothing where the piece has no contribution that is listed.
    size
        Its contribution as a share of the largest, 0 to 1.
    """

    text: str
    kind: str = ""
    size: float = 0.0
    told: str = ""


@dataclass(frozen=True)
class Text:
    """The text of a column, and how many characters of it are left out."""

    column: str
    pieces: tuple[Piece, ...]
    hidden: int


def texts(entry: dict[str, Any]) -> list[Text]:
    """Return the texts of an explanation."""
    shares = {(one["feature"], one["value"]): one["contribution"] or 0.0 for one in entry["contributions"]}
    largest = max(map(abs, shares.values()), default=0.0)
    found = []
    for column, text in entry["texts"].items():
        spans = [
            (start, end, shares[column, word["value"]])
            for word in entry["words"]
            if word["feature"] == column and (column, word["value"]) in shares
            for start, end in word["spans"]
        ]
        found.append(Text(column, tuple(_pieces(text[:MOST], sorted(spans), largest)), max(0, len(text) - MOST)))
    return found


def _pieces(text: str, spans: list[tuple[int, int, float]], largest: float) -> list[Piece]:
    found, last = [], 0
    for start, end, share in spans:
        if start >= last and end <= len(text):
            kind, size = "up" if share >= 0 else "down", abs(share) / largest if largest else 0.0
            found += [Piece(text[last:start]), Piece(text[start:end], kind, size, signed(share, largest))]
            last = end
    return [piece for piece in (*found, Piece(text[last:])) if piece.text]
