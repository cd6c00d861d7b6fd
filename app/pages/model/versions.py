"""The versions of a model side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.pages.words import kind_of_model

if TYPE_CHECKING:
    from app.store.record import Record

#: Characters of a value of a parameter.
_VALUE = 60

#: Parameters that say nothing of how a version was trained.
_BESIDE = ("pipeline_id",)


def table(every: list[Record], current: int) -> list[dict[str, Any]]:
    """Return a row a version, the newest first, with what its parameters have that the current one's have not."""
    served = next((record for record in every if record.version == current), every[-1])
    mine = flat(served.parameters)
    return [
        {
            "version": record.version,
            "current": record.version == current,
            "provisional": record.provisional,
            **record.score,
            "engine": record.engine,
            "kind": kind_of_model(record.result.get("modelType") or record.engine),
            "created": record.created_at,
            "rows": (record.result.get("trainShape") or [None])[0],
            "differs": [f"{name}: {value}" for name, _, value in differing(mine, flat(record.parameters))],
        }
        for record in reversed(every)
    ]


def pair(every: list[Record], shown: int, current: int, beside: int | None) -> dict[str, Any] | None:
    """Compare the version that is shown with another: the one asked for, else the current or the newest other one."""
    others = {record.version: record for record in every}
    if shown not in others or len(others) < 2:
        return None
    fallback = current if current != shown else max(number for number in others if number != shown)
    other = beside if beside in others and beside != shown else fallback
    left, right = others[shown], others[other]
    return {
        "left": shown,
        "right": other,
        "scores": _scores(left, right),
        "parameters": differing(flat(left.parameters), flat(right.parameters)),
        "columns": _columns(left, right),
        "facts": [(name, one, two) for name, one, two in _facts(left, right) if one != two],
    }


def flat(parameters: dict[str, Any], before: str = "") -> dict[str, str]:
    """Return parameters by their path: `model_training.model`."""
    found: dict[str, str] = {}
    for name, value in parameters.items():
        if not before and name in _BESIDE:
            continue
        if isinstance(value, dict) and value:
            found |= flat(value, f"{before}{name}.")
        elif value not in (None, {}, []):
            found[f"{before}{name}"] = str(value)[:_VALUE]
    return found


def differing(one: dict[str, str], two: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return (name, value here, value there) of what is not the same; a dash for nothing."""
    names = sorted(one.keys() | two.keys())
    return [(name, one.get(name, "–"), two.get(name, "–")) for name in names if one.get(name) != two.get(name)]


def _scores(left: Record, right: Record) -> list[dict[str, Any]]:
    names = [name for name, value in left.metrics.items() if isinstance(value, dict)]
    names += [name for name, value in right.metrics.items() if isinstance(value, dict) and name not in names]
    return [
        {
            "name": name,
            "left": left.metrics.get(name) or {},
            "right": right.metrics.get(name) or {},
            "left_out": left.holdout.get(name),
            "right_out": right.holdout.get(name),
        }
        for name in names
    ]


def _columns(left: Record, right: Record) -> list[tuple[str, str, str]]:
    """Return columns that one version reads and the other does not, or reads as another kind."""
    one, two = (
        {column["name"]: column["kind"] for column in record.signature.get("columns") or []} for record in (left, right)
    )
    return differing(one, two)


def _facts(left: Record, right: Record) -> list[tuple[str, str, str]]:
    one, two = (
        {
            "kind of model": kind_of_model(record.result.get("modelType") or ""),
            "engine": record.engine,
            "rows": str((record.result.get("trainShape") or ["–"])[0]),
            **record.libraries,
        }
        for record in (left, right)
    )
    return [(name, one.get(name, "–"), two.get(name, "–")) for name in dict.fromkeys([*one, *two])]
