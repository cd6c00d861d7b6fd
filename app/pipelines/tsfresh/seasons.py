"""The seasons of series, in rows, and what was there as many seasons before a row that is to be forecast."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: How the column of a value's last one ends.
LAST = "__last"

#: Share of a series, from its beginning, that seasons are looked for in: what is held out lies at its end.
SHARE = 0.6

#: Share of the squares of changes that is nothing but rounding.
_ROUNDED = 1e-12

#: Autocorrelation of the changes from which on there is a season, and by how much a longer one must show more.
LEAST, MORE = 0.2, 0.05


def tell_seasons(series: Iterable[Array], longest: int) -> tuple[int, ...]:
    """Tell in how many rows series repeat themselves: none, one, or a season and a longer one that tells more.

    Parameters
    ----------
    series
        Arrays of shape (n_rows,), some values may be NaN. Each counts by its rows.
    longest
        Rows of the longest season.
    """
    import numpy as np

    sums, counts = np.zeros((2, longest + 1)), np.zeros((2, longest + 1))
    for values in series:
        known = _interpolated(values[: int(SHARE * len(values))])
        rises = np.diff(known)
        most = min(longest, len(rises) // 2)
        if most < 2:
            continue
        changes = rises - rises.mean()
        power = float((changes**2).sum())
        # Less is how a line is rounded.
        if power <= _ROUNDED * float((rises**2).sum()):
            continue
        spectrum = np.abs(np.fft.rfft(changes, 2 * len(changes))) ** 2
        alike = np.fft.irfft(spectrum)[: most + 1] / power
        lags = np.arange(most + 1)
        # Of a short season every multiple is as much alike; over all rows the shortest is the most.
        sums[0, : most + 1] += alike * len(changes)
        counts[0, : most + 1] += len(changes)
        sums[1, : most + 1] += alike * len(changes)
        counts[1, : most + 1] += len(changes) - lags
    biased, fair = np.divide(sums, counts, out=np.full_like(sums, -1.0), where=counts > 0)
    apart = np.flatnonzero(biased < 0)
    if not len(apart) or apart[0] + 1 >= longest:
        return ()
    first = max(2, int(apart[0]))
    season = first + int(biased[first:].argmax())
    if biased[season] < max(LEAST, 3 / np.sqrt(max(1.0, counts[0, season]))):
        return ()
    longer = season + 1 + int(fair[season + 1 :].argmax()) if season < longest else season
    return (season, longer) if fair[longer] > fair[season] + MORE else (season,)


def last_seasons(windows: Array, place: Array, steps: Array, seasons: tuple[int, ...], name: str) -> dict[str, Array]:
    """Return {column: the value one season, or as many as reach into the window, before what is to be forecast}.

    Parameters
    ----------
    windows
        Values to forecast, shape (n_windows, window).
    place, steps
        Window of each row, and how many rows after it the row's target comes, shape (n_rows,).
    """
    return {f"{name}__season_{season}": windows[place, -1 - (-steps % season)] for season in seasons}


def _interpolated(values: Array) -> Array:
    import numpy as np

    known = np.flatnonzero(~np.isnan(values))
    return np.interp(np.arange(len(values)), known, values[known]) if len(known) else values[:0]
