"""How pages are written: their templates, and the numbers in them."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

#: Numbers from here on are written without decimals, up to where they have powers of ten.
_WHOLE, _POWERS = 1e4, 1e12

#: Blanks of a name that are not seen, what stands for each, for any other, and for a name that is empty.
_BLANKS = re.compile(r"^\s+|\s+$|\s{2,}|[^\S ]")
_SEEN = {"\t": "⇥", "\n": "↵", "\r": "↵", "\xa0": "⍽"}
_BLANK, _NOTHING = "␣", "“”"

#: A whole number of more digits than doubles hold says more than is known.
_EXACT = 1e15


@cache
def templates() -> Environment:
    """Return the templates. What is from outside is escaped: nothing is marked as safe but the SVG of `plots`."""
    from jinja2 import Environment, FileSystemLoader

    folder = Path(__file__).parents[2] / "templates"
    found = Environment(loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    found.filters |= {"number": rounded, "size": size, "seconds": seconds, "cut": cut, "visible": visible}
    return found


def rounded(value: Any) -> str:
    """Write a number as people read it; a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def amount(value: float | None, digits: int = 4) -> str:
    """Write what was measured or computed: rounded, and a large one without a power of ten."""
    if value is None:
        return "–"
    size = abs(value)
    written = f"{size:,.0f}" if _WHOLE <= size < _POWERS else f"{size:.{digits}g}"
    return f"−{written}" if value < 0 else written


def signed(value: float | None, among: float = 0.0) -> str:
    """Write by how much something goes up or down.

    Parameters
    ----------
    among
        The largest of its kind: beside it what is only rounding is written as 0.
    """
    if value is None or abs(value) <= 1e-9 * among:
        return amount(None if value is None else 0.0)
    return f"+{amount(value, 3)}" if value > 0 else amount(value, 3)


def percent(share: float) -> str:
    """Write a share of 1, or a probability."""
    return f"{100 * share:.{0 if share in (0, 1) else 1}f} %"


def cell(value: Any) -> str:
    """Write a value of the caller's data as it stands there; yes and no, and no needless decimals and midnights."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value).removesuffix("T00:00:00")
    return str(int(value)) if value == math.floor(value) and abs(value) < _EXACT else f"{value:.6g}"


def size(count: int) -> str:
    """Write a number of bytes."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count = count / 1000  # type: ignore[assignment]  # the rest of it
    return f"{count:.3g} GB"


def seconds(value: float) -> str:
    """Write a time."""
    if value < 0.001:
        return f"{value * 1e6:.3g} µs"
    if value < 1:
        return f"{value * 1000:.3g} ms"
    whole, rest = divmod(value, 60)
    return f"{int(whole)} min {rest:.0f} s" if whole else f"{value:.3g} s"


def visible(name: Any) -> str:
    """Write a name so that blanks can be seen: at its ends, between words more than one, and what is no plain blank.

    Two names that differ by these alone look the same otherwise, as pages leave them out.
    """
    return _BLANKS.sub(lambda found: "".join(_SEEN.get(one, _BLANK) for one in found[0]), str(name)) or _NOTHING


def cut(text: Any, most: int) -> str:
    """Return a text of at most so many characters."""
    text = str(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"
