"""What is asked on the page of explanations: a method, its settings, and the row or rows that it is of."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidParameters
from app.explain import run
from app.pages.asking import controls, predicted, sent, typed
from app.payloads.explaining import METHODS, check_explaining
from app.services import services

if TYPE_CHECKING:
    from flask import Request

    from app.pages.asking.places import Place
    from app.payloads.explaining import ExplainParameters
    from app.payloads.uploads import Upload

#: Ids of a file that are offered.
_OFFERED = 500

#: What stands before a class in the value of an option, as it may be empty.
_MARK = "="

#: Where the rows of a method over many come from, beside text and files: those that are kept with the version.
_KEPT = "kept"


@dataclass(frozen=True)
class Asked:
    """What is asked.

    Attributes
    ----------
    prediction
        Of the row, as `predicted.one` has it; None of the model.
    ids
        Of the file, to choose another row of; empty of a row that was typed in, and where they are offered already.
    listed
        Tells one file from another.
    """

    parameters: ExplainParameters
    upload: Upload | None
    prediction: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)
    chosen: str = ""
    ids: list[str] = field(default_factory=list)
    listed: str = ""


def explainers(here: Place) -> list[dict[str, Any]]:
    """Return the methods that fit, as GET /models/<id>/explainers has them."""
    held = services()
    found = run.explainers(held.store, held.pipelines, here.record.pipeline_id, here.record.version)
    known: list[dict[str, Any]] = found["explainers"]
    return known


def explainer(here: Place, method: str) -> dict[str, Any]:
    """Return one of them.

    Raises
    ------
    InvalidParameters
    """
    found = next((one for one in explainers(here) if one["method"] == method), None)
    if found is None:
        raise InvalidParameters("That method does not fit this model.", [Fault("/params/method", "choose another")])
    return found


def usual(here: Place) -> str:
    """Return the method that a page begins with: SHAP of columns, as its figures add up; else what a training takes."""
    kinds = {column.kind.value for column in here.signature.columns}
    return "shap" if not here.of_series and "image" not in kinds and kinds != {"text"} else ""


def read(here: Place, request: Request) -> Asked:
    """Read what is asked.

    Raises
    ------
    InvalidParameters, InvalidData, Unacceptable, and what predicting raises
    """
    form = request.form
    method = explainer(here, form.get("method", ""))
    values: dict[str, Any] = {"method": method["method"]}
    if form.get("settings_of") == method["method"]:
        # Those of another method are still on the page while its own are on their way.
        values |= controls.asked(method, form, here.signature)
    if here.classes and form.get("target", "").startswith(_MARK):
        values["target"] = typed.as_known(form["target"].removeprefix(_MARK), here.classes)
    if not METHODS[method["method"]].needs_rows:
        kept = form.get("source", _KEPT) == _KEPT
        brought = None if kept else sent.read(request, here.signature)
        return Asked(checked(here, values), None if brought is None else brought.upload)
    brought = sent.read(request, here.signature)
    found = here.predict(brought.upload)
    if brought.values is not None:
        warnings, prediction = typed.outside(here.signature, brought.values), predicted.one(found)
        return Asked(checked(here, _of_predicted(here, prediction) | values), brought.upload, prediction, warnings)
    return _of_many(here, values, brought.upload, found, form)


def _of_many(here: Place, values: dict[str, Any], upload: Upload, found: dict[str, list[Any]], form: Any) -> Asked:
    """Ask for one row of a file: the one that is chosen, or the first."""
    listed = f"{zlib.crc32(upload.data):08x}"
    known = form.get("listed") == listed
    ids = list(dict.fromkeys(map(str, found["id"])))
    chosen = form.get("chosen", "") if known else ids[0]
    if chosen not in ids:
        raise InvalidParameters("There is no such row.", [Fault("/params/ids", "choose one of the file's")])
    prediction = predicted.one(found, list(map(str, found["id"])).index(chosen))
    offered = [] if known else ids[:_OFFERED]
    wanted = {**_of_predicted(here, prediction), **values, "ids": [chosen]}
    return Asked(checked(here, wanted), upload, prediction, [], chosen, offered, listed)


def _of_predicted(here: Place, prediction: dict[str, Any]) -> dict[str, Any]:
    """Ask for the class that is predicted: of two the API explains the positive one, whatever is predicted."""
    known = here.classes and prediction["prediction"] is not None
    return {"target": prediction["prediction"]} if known else {}


def checked(here: Place, values: dict[str, Any]) -> ExplainParameters:
    """Return checked parameters for a version.

    Raises
    ------
    InvalidParameters
    """
    return check_explaining({**values, "pipeline_id": here.record.pipeline_id, "version": here.record.version})
