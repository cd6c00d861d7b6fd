"""What a version was trained with, and what serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.pages.training import sheet

if TYPE_CHECKING:
    from app.store.record import Record


def told(record: Record) -> dict[str, Any]:
    """Return the parameters as YAML, and what there is to know beside."""
    return {
        "yaml": written(record.parameters),
        "times": record.times,
        "libraries": record.libraries,
        "artifact": record.artifact,
        "compiled": record.compiled,
        "serves": _serves(record.compiled),
    }


def written(parameters: dict[str, Any]) -> str:
    """Write parameters as a file of them, without what is not set."""
    return sheet.written(_set(parameters))


def _set(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _set(one) for name, one in value.items()}
    return {name: one for name, one in inner.items() if one is not None and one != {}}


def _serves(compiled: dict[str, Any]) -> str:
    """Return in a sentence which form answers, and why."""
    if not compiled:
        return "The original pipeline serves: it was stored by an earlier release."
    if compiled.get("serves") != "compiled":
        return f"The original pipeline serves: {compiled.get('why') or 'it was not compiled'}."
    times = compiled.get("one_row_ms") or {}
    took = ""
    if times.get("compiled") is not None and times.get("original") is not None:
        took = f", in {times['compiled']:.3g} ms for one and not {times['original']:.3g} ms"
    return f"A compiled form serves: it answered {compiled.get('rows', 0):,} rows as the original does{took}."
