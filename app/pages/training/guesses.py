"""What is filled in for whoever chooses a file: a name, the role of columns, the target where its name tells."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from app.pages.training.fields import Form, Seen
from app.payloads.parameters import Kind
from app.payloads.profiles.advice import named_as_id

if TYPE_CHECKING:
    from app.payloads.profiles.table import Profile

#: Names that columns of labels have.
_TARGETS = ("target", "label", "class", "y", "outcome", "folder")

#: Fields that name a column of the data.
_NAMING = ("id_column", "column_id", "column_sort", "column_kind", "column_value", "groups", "time", "sample_weight")

#: Fields that say nothing of the data.
_LASTING = ("pipeline_id", "engine", "seconds", "memory_mb", "candidates", "candidate_seconds", "folds", "seed")

#: Characters of the name of a pipeline.
_LONGEST = 64


def named(file: str) -> str:
    """Return a name for a pipeline, made of that of a file."""
    stem = PurePath(file.replace("\\", "/")).name.partition(".")[0]
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-_.")[:_LONGEST]
    return re.sub(r"^[^A-Za-z0-9]+", "", name) or "model"


def filled(form: Form, profile: Profile, seen: Seen) -> Form:
    """Return the form with what the files tell; what was chosen stays as long as such a column is there."""
    values = _kept(form, seen)
    suggested = named(seen.file)
    if values.get("pipeline_id") in (None, form.values.get("suggested")):
        values["pipeline_id"] = suggested
    values["suggested"] = suggested
    if form.seen.file != seen.file:
        values["shape"] = "rows" if profile.roles is None else "series"
    for name, value in {**_roles(profile, seen), **_id(profile, seen), **_target(profile, seen)}.items():
        values.setdefault(name, value)
    return Form(values, {name: kind for name, kind in form.kinds.items() if name in seen.columns}, seen)


def _kept(form: Form, seen: Seen) -> dict[str, str]:
    """Return what was chosen and still makes sense: of other data nothing that was said of the last."""
    there = {*seen.columns, *seen.labels}
    named = {form.values[name] for name in (*_NAMING, "target") if name in form.values}
    values = dict(form.values)
    if form.seen.file != seen.file and not (named and named <= there):
        values = {name: value for name, value in values.items() if name in _LASTING}
    for name in _NAMING:
        if values.get(name) not in there:
            values.pop(name, None)
    if values.get("target") not in (seen.labels or seen.columns):
        values.pop("target", None)
    return values


def _roles(profile: Profile, seen: Seen) -> dict[str, str]:
    roles = profile.roles
    if roles is None:
        return {}
    found = {
        "column_id": roles.column_id,
        "column_sort": roles.column_sort,
        "column_kind": roles.column_kind,
        "column_value": roles.column_value,
        "target": None if seen.labels else roles.target,
    }
    return {name: value for name, value in found.items() if value is not None}


def _id(profile: Profile, seen: Seen) -> dict[str, str]:
    """Find what identifies a row: what both files have, or what is named so and differs in each row."""
    if seen.images:
        return {}
    if seen.labels:
        both = [name for name in seen.columns if name in seen.labels]
        return {"id_column": both[0], "column_id": both[0]} if both else {}
    whole = profile.looked_at
    unique = [one.name for one in profile.columns if one.distinct == whole and one.kind is not Kind.TEXT]
    ids = [name for name in unique if named_as_id(name)]
    return {"id_column": ids[0]} if ids and len(profile.names) > 2 else {}


def _target(profile: Profile, seen: Seen) -> dict[str, str]:
    names = seen.labels or seen.columns
    if seen.labels and len(seen.labels) <= 2:
        # The only column beside the id needs no name.
        return {}
    found = next((name for name in names if name.lower() in _TARGETS), None)
    return {} if found is None else {"target": found}


def seen_of(profile: Profile, form: Form, files: dict[str, str]) -> Seen:
    """Return what to remember of the files.

    Parameters
    ----------
    files
        Their names, by part.
    """
    return Seen(
        file=files.get("raw_data", ""),
        labels_file=files.get("labels", ""),
        columns=profile.names,
        labels=profile.labels,
        task=None if profile.target is None else profile.target.task,
        looks_at=_looks_at(profile, form),
        images=profile.images,
    )


def _looks_at(profile: Profile, form: Form) -> str:
    if profile.images:
        return "image"
    beside = {form.values.get(name) for name in ("id_column", "target", "groups", "time", "sample_weight")}
    learned = [column.kind for column in profile.columns if column.name not in beside]
    return "text" if learned == [Kind.TEXT] else "table"
