"""Series whose rows stand in more than one block: the last of a block waits for the rest of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Fault, InvalidData, UploadTooLarge, at

if TYPE_CHECKING:
    import pandas as pd

#: Cells of one series, which is held whole.
_CELLS = 4_000_000

#: Series of one file. A number is kept of each, about 100 bytes.
_SERIES = 2_000_000


class Straddling:
    """Cuts blocks of a long table where a series ends. The rows of a series stand together, in any order.

    Parameters
    ----------
    id_column
        Tells the series apart; None where all rows are one series.
    """

    def __init__(self, id_column: str | None) -> None:
        self._id_column = id_column
        self._held: pd.DataFrame | None = None
        self._ended: set[int] = set()

    def whole(self, frame: pd.DataFrame, part: str) -> pd.DataFrame:
        """Return the rows of the series that end in a block, with those that were held; there may be none.

        Raises
        ------
        InvalidData
            Rows of a series that has ended before.
        UploadTooLarge
            A series of too many rows, or too many series.
        """
        if self._id_column is not None and self._id_column not in frame.columns:
            # What the pipeline says of such rows is said of the first of them.
            return frame
        frame = frame if self._held is None else _joined(self._held, frame)
        start = 0
        if self._id_column is not None:
            ids = frame[self._id_column]
            start = int((ids != ids.shift()).to_numpy().nonzero()[0][-1])
        self._held = frame.iloc[start:]
        if self._held.size > _CELLS:
            raise UploadTooLarge(f"A series of {part} has more than {_CELLS} values; one is held whole.")
        self._end(frame.iloc[:start], part)
        return frame.iloc[:start]

    def rest(self, part: str) -> pd.DataFrame | None:
        """Return the last series of the file."""
        if self._held is not None:
            self._end(self._held, part)
        return self._held

    def _end(self, frame: pd.DataFrame, part: str) -> None:
        import pandas as pd

        if self._id_column is None:
            return
        ids = frame[self._id_column]
        runs = ids[(ids != ids.shift()).to_numpy()]
        # A number in place of each id, which may be long.
        found = pd.util.hash_array(runs.to_numpy(), categorize=False).tolist()
        again = sum(number in self._ended for number in found) + len(found) - len(set(found))
        if again:
            detail = f"{again} series go on after another one has begun; sort the rows by this column"
            raise InvalidData(
                f"The rows of a series must stand together in {part}.", [Fault(at(part, self._id_column), detail)]
            )
        self._ended.update(found)
        if len(self._ended) > _SERIES:
            raise UploadTooLarge(f"{part} has more than {_SERIES} series. Send it in parts.")


def _joined(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Put two blocks together; a column that is empty in one is of the other's kind."""
    import pandas as pd

    for name in first.columns.intersection(second.columns):
        kinds = (first[name].dtype, second[name].dtype)
        if kinds[0] != kinds[1] and first[name].isna().all():
            first = first.astype({name: kinds[1]})
        elif kinds[0] != kinds[1] and second[name].isna().all():
            second = second.astype({name: kinds[0]})
    return pd.concat([first, second])
