"""Rows in the JSON bodies of other protocols: V1's `instances` and `inputs`, and MLflow's data frames beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.errors import MOST_NAMED, Fault, InvalidData, InvalidParameters, Unreadable, at, listed
from app.payloads import strict_json
from app.payloads.parameters import Output, Strict
from app.payloads.signature import Column, Signature
from app.payloads.training import SINGLE_SERIES
from app.payloads.uploads import Upload

#: Names under which a body may have its rows.
V1 = ("instances", "inputs")
MLFLOW = (*V1, "dataframe_split", "dataframe_records")

#: Member that clients of TensorFlow Serving send and that says nothing here, where a model has one signature.
_SIGNATURE = "signature_name"


class Wanted(Strict):
    """What stands beside the rows that are predicted."""

    output: Output = Output.PREDICTION
    """`prediction`: the class or number. `score`: of two classes the probability of the positive one. `all`: an object
    with the id, the prediction and the score of each class."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body that has been read: its rows, if it has any, and the parameters beside them."""

    upload: Upload | None
    parameters: dict[str, Any]

    @property
    def rows(self) -> Upload:
        """The rows that a prediction needs.

        Raises
        ------
        InvalidParameters
        """
        if self.upload is None:
            raise InvalidParameters("The body has no rows.", [Fault("/instances", "missing")])
        return self.upload


def expected(signature: Signature) -> list[Column]:
    """Return the columns that a request must have, in their order: all but the one that a single series is given."""
    return [column for column in signature.columns if column.name != SINGLE_SERIES]


def read(data: bytes, signature: Signature, forms: tuple[str, ...] = V1, beside: str = "parameters") -> Body:
    """Read a body.

    Parameters
    ----------
    signature
        Names the columns of rows that are lists.
    forms
        Names under which it may have its rows.
    beside
        Name under which it may have parameters.

    Raises
    ------
    Unreadable, InvalidData, InvalidParameters
    """
    body = strict_json.loads(data, "The body")
    if not isinstance(body, dict):
        raise Unreadable(f"The body is not a JSON object with one of {listed(forms)}.")
    known = (*forms, beside, _SIGNATURE)
    faults = [Fault(at(name), f"unknown; known are {listed(known)}") for name in body if name not in known]
    found = [name for name in forms if name in body]
    faults += [Fault(at(name), f"there are rows in {found[0]} too; send one of them") for name in found[1:]]
    parameters = body.get(beside)
    if not isinstance(parameters, dict | None):
        faults.append(Fault(at(beside), "must be an object"))
    if faults:
        raise InvalidParameters(f"Send one of {listed(forms)}, and {beside} where there are any.", faults[:MOST_NAMED])
    upload = Upload(found[0], value=_table(body[found[0]], found[0], signature)) if found else None
    return Body(upload, parameters or {})


def _table(value: Any, form: str, signature: Signature) -> Any:
    """Return rows as a JSON table, whatever form they came in."""
    if form == "dataframe_split":
        if not isinstance(value, dict) or not {"columns", "data"} <= value.keys() <= {"columns", "data", "index"}:
            raise Unreadable("dataframe_split is not an object of columns and data, as split JSON has them.")
        return value
    if form == "inputs" and isinstance(value, dict):
        return {name: _as_column(values) for name, values in value.items()}
    if not isinstance(value, list):
        raise Unreadable(f"{form} is not a list of rows.")
    kinds = {list if isinstance(row, list) else dict if isinstance(row, dict) else object for row in value}
    if len(kinds) > 1 or (form == "dataframe_records" and kinds - {dict}):
        raise Unreadable(f"{form} is a list, and its members are not all of the form that it has.")
    if kinds == {list}:
        return by_position(value, [column.name for column in expected(signature)], form)
    if kinds == {object}:
        return by_position([[one] for one in value], [column.name for column in expected(signature)], form)
    return [{name: _of_base64(one) for name, one in record.items()} for record in value]


def by_position(rows: list[list[Any]], names: list[str], part: str) -> dict[str, list[Any]]:
    """Name the columns of rows that are lists.

    Raises
    ------
    InvalidData
        A row has more or fewer values than there are names.
    """
    ragged = [number for number, row in enumerate(rows) if len(row) != len(names)]
    if ragged:
        detail = f"has not {len(names)} values; the columns are {listed(names)}"
        faults = [Fault(at(part, number), detail) for number in ragged[:MOST_NAMED]]
        raise InvalidData(f"{len(ragged)} rows of {part} have not as many values as the model has columns.", faults)
    return {
        name: [_of_base64(one) for one in values] for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }


def _as_column(values: Any) -> Any:
    """Return the values of a column whose rows may be lists of one, as a tensor of shape (n_rows, 1) is written."""
    if not isinstance(values, list):
        return values
    return [_of_base64(row[0] if isinstance(row, list) and len(row) == 1 else row) for row in values]


def _of_base64(value: Any) -> Any:
    """Return the text of `{"b64": text}`, which is how bytes are written in V1; images are read of such text."""
    return value["b64"] if isinstance(value, dict) and value.keys() == {"b64"} else value


def predictions(columns: dict[str, list[Any]], wanted: Wanted, signature: Signature) -> list[Any]:
    """Return what was predicted, one a row: the class, number or score itself, or an object.

    Of series it is always an object, as one of them has many rows, and only its id tells whose prediction it is.
    """
    if wanted.output is Output.ALL or signature.names("value"):
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return columns["score" if wanted.output is Output.SCORE else "prediction"]
