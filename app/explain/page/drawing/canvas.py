"""What drawings have in common: their width, their colours, their axes, and text that is only text."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from app.pipelines.reports.writing import cut

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Pixels across, of an inch, and of what is above and below a plot.
WIDTH, DPI, AROUND = 960, 120, 150

#: Colours of what raises and lowers a prediction, of bars without a sign, and of text.
UP, DOWN, BAR, TEXT = "#d1491c", "#0b6bcb", "#6aa3dd", "#1c2430"


def sized(figure: Figure, height: float) -> None:
    """Make a figure so many pixels high."""
    figure.set_size_inches(WIDTH / DPI, height / DPI)


def axes(figure: Figure, label: str) -> Axes:
    """Return axes for bars, with no more lines than are needed."""
    found = figure.add_subplot()
    for side in ("top", "right", "left"):
        found.spines[side].set_visible(False)
    found.tick_params(length=0, labelsize=9)
    found.grid(axis="x", color="#d9dee5", linewidth=0.8)
    found.set_axisbelow(True)
    found.set_xlabel(plain(label, 100), fontsize=9)
    return found


def plain(text: Any, most: int = 60) -> str:
    """Return a text as it can be drawn: cut, on one line, with nothing that would be read as a formula."""
    known = _letters()
    drawn = "".join(letter if ord(letter) in known else " " if letter.isspace() else "?" for letter in cut(text, most))
    # Between two of them matplotlib reads a formula; with this before it, it is only a dollar.
    return drawn.replace("$", r"\$")


@cache
def _letters() -> frozenset[int]:
    """Return the letters that the font has; matplotlib warns of each other one."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties())).get_charmap())


def nothing(figure: Figure, why: str) -> None:
    """Say why there is nothing to see."""
    sized(figure, AROUND)
    figure.text(0.5, 0.5, plain(why, 100), ha="center", va="center", fontsize=10, color=TEXT)


def kept(value: float) -> float:
    """Return a number that can be drawn: differences of larger ones would overflow."""
    return max(-1e300, min(value, 1e300))
