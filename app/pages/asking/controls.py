"""Parameters of methods of explanation as controls of a form, and what these hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidParameters, at
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from werkzeug.datastructures import MultiDict

    from app.payloads.signature import Signature


#: What stands before the name of a parameter in the name of its control.
PREFIX = "p_"


#: Parameters with a control of their own elsewhere on the pages, or of no use there.
_ELSEWHERE = ("target", "ids", "labels", "immutable", "ranges", "allowed", "among")


#: Words of parameters whose names say little.
_LABELS = {
    "num_features": "Contributions shown",
    "num_samples": "Samples",
    "seed": "Seed",
    "max_error": "End at a standard error of",
    "stability": "Repeat with other seeds, and compare",
    "num_rows": "Rows",
    "sample_size": "Rows explained",
    "num_explanations": "Rows picked of these",
    "grid_size": "Values of each column",
    "num_segments": "Stretches of each signal",
    "text": "Explain by the words of",
    "fill": "A masked stretch becomes",
    "columns": "Columns",
}


@dataclass(frozen=True)
class Setting:
    """A parameter of a method as a control.

    Attributes
    ----------
    kind
        number, boolean, choice, column, columns or text.
    value
        As it was sent, or the default.
    """

    name: str
    label: str
    told: str
    kind: str
    value: Any
    options: tuple[tuple[str, str], ...] = ()
    low: float | None = None
    high: float | None = None
    whole: bool = False


def settings(method: Mapping[str, Any], signature: Signature) -> list[Setting]:
    """Return the parameters of a method as controls."""
    every = [
        _setting(name, schema, signature) for name, schema in method["parameters"].items() if name not in _ELSEWHERE
    ]
    # A choice of nothing is none.
    return [one for one in every if one.kind not in ("column", "columns") or one.options]


def _setting(name: str, schema: Mapping[str, Any], signature: Signature) -> Setting:
    plain, told = _plain(schema), str(schema.get("description", "")).replace("\n", " ").replace("`", "")
    label, value = _LABELS.get(name, name.replace("_", " ").capitalize()), schema.get("default")
    if name == "text":
        return Setting(name, label, told, "column", value, _columns(signature, Kind.TEXT))
    if plain.get("type") == "array":
        return Setting(name, label, told, "columns", value, _columns(signature, *Kind))
    if "enum" in plain:
        return Setting(name, label, told, "choice", value, tuple((one, one) for one in plain["enum"]))
    if plain.get("type") == "boolean":
        return Setting(name, label, told, "boolean", value)
    if plain.get("type") in ("integer", "number"):
        low = plain.get("minimum", plain.get("exclusiveMinimum"))
        high = plain.get("maximum", plain.get("exclusiveMaximum"))
        return Setting(name, label, told, "number", value, (), low, high, plain["type"] == "integer")
    return Setting(name, label, told, "text", value)


def _columns(signature: Signature, *kinds: Kind) -> tuple[tuple[str, str], ...]:
    """Return columns with their numbers, by which forms name them."""
    return tuple(
        (str(place), column.name)
        for place, column in enumerate(signature.columns)
        if column.role == "feature" and column.kind in kinds
    )


def _plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema without the null beside it."""
    others = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return others[0] if others else schema


def asked(method: Mapping[str, Any], form: MultiDict[str, str], signature: Signature) -> dict[str, Any]:
    """Read the settings of a method from a form; what is empty, or as it is by itself, is left out.

    Raises
    ------
    InvalidParameters
    """
    found: dict[str, Any] = {}
    for setting in settings(method, signature):
        texts = [text for text in form.getlist(PREFIX + setting.name) if text.strip()]
        if texts and (value := _read(setting, texts, signature)) != setting.value:
            found[setting.name] = value
    return found


def _read(setting: Setting, texts: Sequence[str], signature: Signature) -> Any:
    match setting.kind:
        case "boolean":
            return texts[0] == "yes"
        case "column":
            return column(texts[0], signature)
        case "columns":
            return [column(text, signature) for text in texts]
        case "number":
            return number(texts[0], setting.name, setting.whole)
    return texts[0]


def column(text: str, signature: Signature) -> str:
    """Return the name of a column by its number.

    Raises
    ------
    InvalidParameters
    """
    columns = signature.columns
    if not text.isdecimal() or len(text) > 5 or int(text) >= len(columns):
        raise InvalidParameters("There is no such column.", [Fault("/params/columns", "choose one of the list")])
    return columns[int(text)].name


def number(text: str, name: str, whole: bool = False) -> float | int:
    """Read a number of a form.

    Raises
    ------
    InvalidParameters
    """
    try:
        return int(text) if whole else float(text)
    except ValueError:
        detail = "must be a whole number" if whole else "must be a number"
        raise InvalidParameters("A setting cannot be read.", [Fault(at("params", name), detail)]) from None
