"""An answer of POST /explain as one HTML page that needs nothing else: no script, no other file."""

from __future__ import annotations

from typing import Any

from app.explain.page import told
from app.explain.page.entries import View, view
from app.explain.page.labels import METHODS
from app.pipelines.reports.writing import templates


def html(answer: dict[str, Any]) -> str:
    """Return the page of an answer."""
    return templates().get_template("explanation.html").render(**shown(answer))


def shown(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what templates show of an answer: what it is, and the explanations of the model, or else of its rows."""
    answer = as_sent(answer)
    method = str(answer["method"])
    name, does = METHODS.get(method, (method, ""))
    entries = answer["overall"] or answer["explanations"]
    said = {(told.scale(entry, method), told.ended(entry, method)) for entry in entries}
    alike = len(said) == 1
    scale, ended = said.pop() if alike else ("", "")
    views, rows = _views(answer, alike)
    return {
        "answer": answer,
        "name": name,
        "does": does,
        "scale": scale,
        "ended": ended,
        "views": views,
        "rows": rows,
    }


def as_sent(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what a client would read of an answer: what is not a finite number is None, and every key a text."""
    import orjson

    written = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
    sent: dict[str, Any] = orjson.loads(written)
    return sent


def _views(answer: dict[str, Any], alike: bool) -> tuple[list[View], list[View]]:
    """Return the explanations of the model, each with its examples, and else those of rows."""
    rows = [view(number, entry, answer, alike) for number, entry in enumerate(answer["explanations"], 1)]
    found = []
    for number, entry in enumerate(different(answer), len(rows) + 1):
        own = [one for one in rows if one.target == entry.get("target")]
        found.append(view(number, entry, answer, alike, own))
    return found, [] if found else rows


def different(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the explanations of the model; where they are the same for all classes one of them, of no class."""
    found: list[dict[str, Any]] = answer["overall"]
    of_all = [{**entry, "target": None} for entry in found]
    return of_all[:1] if len(found) > 1 and all(entry == of_all[0] for entry in of_all) else found
