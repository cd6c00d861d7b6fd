"""The plot of an explanation as a PNG: of the model where it is of the model, else of the first row."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING, Any

from app.explain.page import trust
from app.explain.page.document import as_sent, different
from app.explain.page.drawing import kinds
from app.explain.page.drawing.canvas import DPI, TEXT, WIDTH, nothing, plain
from app.explain.page.labels import METHODS, measured, titled, unit_of
from app.pipelines.reports.writing import cut

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Letters of a line below the plot, and of a name in the heading.
_LINE, _NAME = 118, 28

#: Inches around plots.
_AIR = 0.1

#: Colour of a warning.
_WARNING = "#7a5200"


def picture(answer: dict[str, Any]) -> bytes:
    """Return a PNG of `WIDTH` pixels, as high as what is drawn needs."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    answer = as_sent(answer)
    method = str(answer["method"])
    entry = next(iter((*different(answer), *answer["explanations"])), None)
    # Neither pyplot nor its state, which threads would share.
    figure = Figure(figsize=(WIDTH / DPI, 3), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=_AIR, h_pad=_AIR))
    if entry is None:
        nothing(figure, "Nothing was explained.")
    else:
        kinds.draw(figure, entry, unit_of(entry, method), measured(entry, answer["task"]))
        of_class = f", class {cut(entry['target'], _NAME)}" if entry.get("target") is not None else ""
        heading = f"{METHODS.get(method, (method, ''))[0]}: {cut(titled(entry), _NAME)}{of_class}"
        figure.suptitle(plain(heading, 3 * _NAME), fontsize=11, color=TEXT)
        _told(figure, entry)
    written = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(written, format="png")
    return written.getvalue()


def _told(figure: Figure, entry: dict[str, Any]) -> None:
    """Write below the plot how far it can be trusted: the least good of what is known."""
    worst = trust.worst(entry)
    told = [remark.text for remark in trust.remarks(entry) if remark.kind == worst]
    if told:
        lines = textwrap.wrap(plain(told[0], 3 * _LINE), _LINE)
        colour, weight = (_WARNING, "bold") if worst == "poor" else (TEXT, "normal")
        figure.supxlabel("\n".join(lines), fontsize=8.5, color=colour, weight=weight)
