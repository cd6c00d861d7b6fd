"""What is shown of one explanation, by what it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.errors import listed
from app.explain.page import tables, told, trust, words
from app.explain.page.figures import Figure, figures
from app.explain.page.labels import measured, predicted, scaled, titled, unit_of, wanted
from app.pipelines.reports.writing import amount, percent, signed

if TYPE_CHECKING:
    from app.explain.page.tables import Table


@dataclass(frozen=True)
class View:
    """One explanation as it is shown.

    Attributes
    ----------
    number
        Of its place in the page.
    cards
        Name, number and remark of what is told first.
    """

    number: int
    title: str
    target: Any
    cards: Sequence[tuple[str, str, str]]
    remarks: Sequence[trust.Remark]
    notes: Sequence[str]
    texts: Sequence[words.Text] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    worst: str = "plain"
    largest: str = ""
    examples: Sequence[View] = field(default=())


def view(
    number: int, entry: dict[str, Any], answer: dict[str, Any], alike: bool = True, examples: Sequence[View] = ()
) -> View:
    """Return what is shown of an explanation.

    Parameters
    ----------
    alike
        Whether the page says once of all in what unit they are, and what they took.
    """
    found, predictions = entry["contributions"], measured(entry, answer["task"])
    method = answer["method"]
    own = () if alike else (told.scale(entry, method), told.ended(entry, method))
    notes = (*own, wanted(entry), _difference(entry), entry.get("note"), _added_up(entry), _left_out(entry))
    return View(
        number=number,
        title=titled(entry),
        target=entry.get("target"),
        cards=_cards(entry, answer["task"]),
        remarks=trust.remarks(entry),
        notes=[note for note in notes if note],
        texts=words.texts(entry) if "texts" in entry else (),
        figures=figures(entry, unit_of(entry, method), predictions),
        tables=_tables(entry, predictions),
        worst=trust.worst(entry),
        largest=f"{found[0]['feature']} {signed(found[0]['contribution'])}" if found else "",
        examples=examples,
    )


def _cards(entry: dict[str, Any], task: str) -> list[tuple[str, str, str]]:
    found = []
    if entry.get("prediction") is not None:
        found.append((measured(entry, task), predicted(entry["prediction"], entry), "what the pipeline predicts"))
    where = "the contributions start here" if "id" in entry else "the mean over the rows"
    for name, remark in (("base_value", where), ("local_prediction", "base value and all contributions")):
        if entry.get(name) is not None:
            if entry.get("scale") == "log_odds":
                remark += f"; a probability of {percent(told.probability(entry[name]))}"
            found.append((name.replace("_", " "), scaled(entry[name], entry), remark))
    if entry.get("baseline") is not None:
        found.append((str(entry["metric"]), amount(entry["baseline"]), "with all columns as they are"))
    if entry.get("rows"):
        how = "averaged over" if {"curves", "surface"} & entry.keys() else "explained"
        repeats = f"each column shuffled {entry['repeats']} times" if entry.get("repeats") else how
        found.append(("rows", f"{entry['rows']:,}", repeats))
    return found


def _difference(entry: dict[str, Any]) -> str:
    if entry.get("difference") is None:
        return ""
    return f"Another outcome is a prediction that is {amount(entry['difference'])} or more off."


def _added_up(entry: dict[str, Any]) -> str:
    if not entry.get("added_up"):
        return ""
    return (
        f"The trees see several inputs of {listed(entry['added_up'])}. Their values are added up, which is close to "
        "the value of the whole column, and the same where its inputs do not work together with other columns."
    )


def _left_out(entry: dict[str, Any]) -> str:
    return f"{entry['left_out']:,} columns were not shuffled." if entry.get("left_out") else ""


def _tables(entry: dict[str, Any], unit: str) -> list[Table]:
    found = tables.compared(entry, unit)
    if entry.get("table"):
        found.append(tables.aggregate(entry))
    if "interactions" in entry:
        found.append(tables.interactions(entry))
    if entry["contributions"] and not entry.get("table"):
        found.append(tables.contributions(entry))
    return found
