"""How to call a version: commands and code with values that it has seen."""

from __future__ import annotations

import json
import pprint
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.pages.model.tree import usual
from app.payloads import dates

if TYPE_CHECKING:
    from app.store.record import Record

#: Values of a series that are written out.
_VALUES = 12

#: Year, a leap year, from which on dates of an example do not go on.
_LATEST = 8000

#: Words that stand for a text, of which the record keeps none.
_TEXT = "some words"


def calls(record: Record, report: dict[str, Any], root: str, keyed: bool) -> list[dict[str, str]]:
    """Return {"title", "curl", "python"} of a prediction and an explanation; none where no values are known.

    Of images it is a file that is sent.

    Parameters
    ----------
    root
        Address of the service.
    keyed
        Whether it needs a key.
    """
    if any(column["kind"] == "image" for column in record.signature.get("columns") or []):
        return [
            _of_file("Predict", f"{root}/serve_prediction", record, {}, keyed),
            _of_file("Explain", f"{root}/explain", record, {"method": "lime"}, keyed),
        ]
    data = example(record, report)
    if data is None:
        return []
    body = {"pipeline_id": record.pipeline_id, "version": record.version, "data": data}
    predict = _call("Predict", f"{root}/serve_prediction", body, keyed)
    if record.task == "forecasting":
        return [predict]
    # Whatever a model reads of series, stretches of these can be told.
    method = "segments" if record.parameters.get("extract_features") else "shap"
    asked = {"pipeline_id": record.pipeline_id, "version": record.version, "method": method, "num_features": 5}
    return [predict, _call("Explain", f"{root}/explain", asked | {"data": data}, keyed)]


def example(record: Record, report: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return a row, or the rows of a series, that the version can predict; None of images."""
    columns = record.signature.get("columns") or []
    if not columns or any(column["kind"] == "image" for column in columns):
        return None
    if all(column["role"] == "feature" for column in columns):
        row = {column["name"]: _value(column) for column in columns}
        return [({record.signature["id_column"]: 1} if record.signature.get("id_column") else {}) | row]
    return _series(columns, record, report.get("examples") or [])


def _value(column: dict[str, Any]) -> Any:
    value = usual(column)
    return _TEXT if column["kind"] == "text" and not value else value


def _series(
    columns: list[dict[str, Any]], record: Record, examples: list[dict[str, Any]]
) -> list[dict[str, Any]] | None:
    """Return the first values of a series that was kept, a row each."""
    if not examples:
        return None
    roles = {column["role"]: column for column in columns}
    window = (record.parameters.get("forecast") or {}).get("window") or _VALUES
    one, rows = examples[0], []
    for signal in one["signals"]:
        for place, value in list(enumerate(signal["value"]))[:window]:
            named = signal["name"] if "signal" not in roles else roles["value"]["name"]
            row = {} if "signal" not in roles else {roles["signal"]["name"]: signal["name"]}
            rows.append((place, row | {named: value}))
    if "signal" not in roles:
        together: dict[int, dict[str, Any]] = {}
        for place, row in rows:
            together[place] = together.get(place, {}) | row
        rows = list(together.items())
    return [_beside(roles, one["id"], place) | row for place, row in rows]


def _beside(roles: dict[str, dict[str, Any]], name: Any, place: int) -> dict[str, Any]:
    """Return the id of a row of a series, and its place in the order."""
    found = {}
    if "id" in roles:
        found[roles["id"]["name"]] = name
    if "sort" in roles:
        found[roles["sort"]["name"]] = _moment(roles["sort"], place) if roles["sort"]["kind"] == "date" else place
    return found


def _moment(column: dict[str, Any], place: int) -> str:
    """Return a date after those of the training, a step a place, in the form that these came in."""
    form = column.get("form") or "year first"
    begin = datetime.fromisoformat((column.get("summary") or {}).get("max") or "2026-01-01")
    # What is to last for ever is dated so late that nothing comes after it.
    begin = begin.replace(year=min(begin.year, _LATEST))
    if form == "year and month":
        years, month = divmod(begin.month - 1 + place, 12)
        return dates.write(begin.replace(year=begin.year + years, month=month + 1, day=1), form)
    return dates.write(begin + timedelta(days=place), form)


def _call(title: str, address: str, body: dict[str, Any], keyed: bool) -> dict[str, str]:
    quoted = _written(body).replace("'", "'\\''")
    key = ' \\\n  -H "Authorization: Bearer $KEY"' if keyed else ""
    curl = f"curl -H 'Content-Type: application/json'{key} \\\n  {address} -d '{quoted}'"
    headers = ', headers={"Authorization": f"Bearer {KEY}"}' if keyed else ""
    lines = [
        "import requests",
        *(["", 'KEY = "…"  # yours'] if keyed else []),
        "",
        f"body = {pprint.pformat(body, sort_dicts=False, width=88)}",
        f'url = "{address}"',
        f"answer = requests.post(url, json=body{headers})",
        "answer.raise_for_status()",
        "print(answer.json())",
    ]
    return {"title": title, "curl": curl, "python": "\n".join(lines)}


def _of_file(title: str, address: str, record: Record, more: dict[str, Any], keyed: bool) -> dict[str, str]:
    """Return the call that sends an image."""
    parameters = json.dumps({"pipeline_id": record.pipeline_id, "version": record.version} | more)
    key = ' \\\n  -H "Authorization: Bearer $KEY"' if keyed else ""
    headers = ', headers={"Authorization": f"Bearer {KEY}"}' if keyed else ""
    lines = [
        "import requests",
        *(["", 'KEY = "…"  # yours'] if keyed else []),
        "",
        f'parts = {{"raw_data": open("picture.png", "rb"), "params": {parameters!r}}}',
        f'url = "{address}"',
        f"answer = requests.post(url, files=parts{headers})",
        "answer.raise_for_status()",
        "print(answer.json())",
    ]
    curl = f"curl -F raw_data=@picture.png{key} \\\n  -F 'params={parameters}' \\\n  {address}"
    return {"title": title, "curl": curl, "python": "\n".join(lines)}


def _written(body: dict[str, Any]) -> str:
    """Write JSON, a row of the data a line."""
    rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in body["data"])
    named = json.dumps({name: value for name, value in body.items() if name != "data"}, ensure_ascii=False)
    return f'{named[:-1]}, "data": [\n  {rows}]}}'
