"""Texts as the cells of a CSV: none begins as what a spreadsheet computes.

A text that begins as a formula gets an apostrophe before it, which a spreadsheet takes for "this is text" (OWASP, CSV
injection). Numbers are never changed, and neither is a text that is a plain number, such as -5 or +49 170 without its
space: no spreadsheet finds more in it than that number. Whoever joins answers by such ids takes another form: JSON
lines, Parquet and Arrow give each text back as it came.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

#: How what a spreadsheet computes begins, after white space that it passes over; full-width signs are signs to some.
_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"

#: A text that is nothing but a number.
_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"

_BEGINS, _IS_NUMBER = re.compile(_FORMULA), re.compile(_NUMBER + r"\Z")


def guarded(value: Any) -> Any:
    """Return a cell that no spreadsheet computes."""
    if isinstance(value, str) and _BEGINS.match(value) and not _IS_NUMBER.match(value):
        return f"'{value}"
    return value


def guarded_table(table: pa.Table) -> pa.Table:
    """Return a table whose texts are `guarded`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for place, column in enumerate(table.columns):
        if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
            continue
        formula = pc.match_substring_regex(column, _FORMULA)
        computed = pc.and_(formula, pc.invert(pc.match_substring_regex(column, _NUMBER)))
        if pc.any(computed).as_py():
            quoted = pc.binary_join_element_wise(pa.scalar("'", column.type), column, pa.scalar("", column.type))
            table = table.set_column(place, table.column_names[place], pc.if_else(computed, quoted, column))
    return table
