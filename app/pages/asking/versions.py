"""Other versions that say what they predict of the same row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.errors import NotFound
from app.pages.asking import predicted
from app.pages.asking.comparing import after
from app.pages.asking.places import Place
from app.services import services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Request

    from app.store.record import Record


def others(here: Place) -> list[dict[str, Any]]:
    """Return the versions that a row can be compared with: of this model, and of others that read the same columns."""
    store, own = services().store, here.record
    columns = _named(own)
    versions = [one for one in reversed(store.versions(str(own.pipeline_id))) if one.version != own.version]
    models = [one for one in store.models() if str(one.pipeline_id) != str(own.pipeline_id)]
    fitting = [one for one in (*versions, *models) if _named(one) == columns]
    return [
        {
            "value": f"{one.version} {one.pipeline_id}",
            "name": f"{one.pipeline_id}, version {one.version}",
            "engine": one.engine,
        }
        for one in fitting
    ]


def _named(record: Record) -> dict[str, str]:
    return {column["name"]: column["role"] for column in record.signature.get("columns", ())}


def compared(here: Place, request: Request) -> dict[str, Any]:
    """Return what this version and another say of the edited row.

    Raises
    ------
    NotFound, and what predicting raises
    """
    version, _, pipeline_id = request.form.get("other", "").partition(" ")
    if not version.isdecimal() or len(version) > 15:
        raise NotFound("Choose a version to compare with.")
    there, upload = Place.of(pipeline_id, int(version)), after(here, request)
    own, other = predicted.one(here.predict(upload)), predicted.one(there.predict(upload))
    names = [*own["scores"], *(name for name in other["scores"] if name not in own["scores"])]
    return {"there": there, "own": own, "other": other, "rows": [_beside(name, own, other) for name in names]}


def _beside(name: str, own: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "own": own["scores"].get(name), "other": other["scores"].get(name)}
