"""From rows of X to the arrays of a network, by what it looks at: a table of numbers, an image, a text or series.

What was learned of the training rows is a dictionary that JSON can hold. AutoKeras's own preprocessors are not used:
they would have to be imported for serving; they number categories, so that a network takes them for sizes, put 0 for a
missing number whatever its scale, and read the first 100 words of a text as they are, case and commas included.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.pipelines.autokeras.scales import scale, scaled

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]
    Columns = dict[str, Array]

#: Words of a text that are read; AutoKeras reads 100.
MOST_WORDS = 200

#: Values of a series that a network reads: its recurrent layers go step by step. Of longer ones stretches are averaged.
MOST_STEPS = 500

#: Code of a word that the training did not see; 0 fills up a text.
_UNKNOWN = 1


def learn(kind: str, X: pd.DataFrame, size: tuple[int, int, int], words: int) -> dict[str, Any]:
    """Return what `encode` needs to know, as JSON has it.

    Parameters
    ----------
    kind
        table, image, text or series.
    size
        Height, width and channels of an image.
    words
        Size of the vocabulary of a text, the codes for filling and for unknown words included.

    Raises
    ------
    ValueError
        The columns are none for such a network: a table has numbers alone, an image or text is one column.
    """
    X = framed(X)
    known: dict[str, Any]
    if kind == "table":
        known = {"scales": [scale(X[name].to_numpy("float64")) for name in X.columns]}
    elif kind == "series":
        known = _learn_series(X)
    else:
        if len(X.columns) != 1:
            raise ValueError(f"a network for {kind} takes one column, not {len(X.columns)}")
        known = {"size": size} if kind == "image" else _learn_text(X, words)
    return {"kind": kind, "names": list(X.columns), **known}


def encode(known: dict[str, Any], columns: Mapping[str, Array]) -> Array:
    """Return the input of a network for columns of shape (n_samples,), in whatever order they are.

    Returns
    -------
    float32 of shape (n_samples, n_inputs) for a table, (n_samples, height, width, channels) for images and
    (n_samples, n_steps, n_signals) for series; int32 of shape (n_samples, n_words) for texts.

    Raises
    ------
    ValueError
        A column is missing.
    """
    if missing := [name for name in known["names"] if name not in columns]:
        raise ValueError(f"{len(missing)} column(s) of the training are missing")
    return _ENCODE[known["kind"]](known, {name: columns[name] for name in known["names"]})


def columns_of(X: pd.DataFrame | Array) -> dict[str, Array]:
    """Return {name: values} of rows."""
    framed_ = framed(X)
    return {name: framed_[name].to_numpy() for name in framed_.columns}


def framed(X: pd.DataFrame | Array) -> pd.DataFrame:
    """Return rows with named columns; those of an array are called by their numbers."""
    import pandas as pd

    return X if isinstance(X, pd.DataFrame) else pd.DataFrame(X, columns=[str(n) for n in range(X.shape[1])])


def _encode_table(known: dict[str, Any], columns: Columns) -> Array:
    import numpy as np

    found = [
        scaled(values.astype("float64"), *by) for values, by in zip(columns.values(), known["scales"], strict=True)
    ]
    return np.column_stack(found).astype("float32")


def _learn_text(X: pd.DataFrame, words: int) -> dict[str, Any]:
    texts = [_words(text) for text in X.iloc[:, 0]]
    counts = Counter(word for text in texts for word in text)
    often = sorted(counts, key=lambda word: (-counts[word], word))[: words - _UNKNOWN - 1]
    return {"vocabulary": often, "length": min(MOST_WORDS, max(map(len, texts), default=0)) or 1}


def _encode_text(known: dict[str, Any], columns: Columns) -> Array:
    import numpy as np

    codes = {word: code for code, word in enumerate(known["vocabulary"], _UNKNOWN + 1)}
    (texts,) = columns.values()
    encoded = np.zeros((len(texts), known["length"]), dtype="int32")
    for row, text in enumerate(texts):
        found = [codes.get(word, _UNKNOWN) for word in _words(text)[: known["length"]]]
        encoded[row, : len(found)] = found
    return encoded


def _words(text: object) -> list[str]:
    return re.findall(r"\w+", text.lower()) if isinstance(text, str) else []


def _learn_series(X: pd.DataFrame) -> dict[str, Any]:
    import numpy as np

    longest = max((len(values) for name in X.columns for values in X[name]), default=1) or 1
    stretch = -(-longest // MOST_STEPS)
    scales = [scale(np.concatenate([np.asarray(values, "float64") for values in X[name]])) for name in X.columns]
    return {"length": -(-longest // stretch), "stretch": stretch, "scales": scales}


def _encode_series(known: dict[str, Any], columns: Columns) -> Array:
    """Continue shorter series with their last value, and cut those that are longer than any of the training.

    Zeros with a mask would keep convolutions, which know no mask, from being used.
    """
    import numpy as np

    length, stretch = known["length"], known["stretch"]
    encoded = np.zeros((len(columns[known["names"][0]]), length, len(known["names"])), dtype="float32")
    for signal, (name, by) in enumerate(zip(known["names"], known["scales"], strict=True)):
        for row, values in enumerate(columns[name]):
            there = scaled(np.asarray(values, "float64")[: length * stretch], *by)
            if len(there):
                whole = np.pad(there, (0, length * stretch - len(there)), mode="edge")
                encoded[row, :, signal] = whole.reshape(length, stretch).mean(axis=1)
    return encoded


def _encode_image(known: dict[str, Any], columns: Columns) -> Array:
    from app.pipelines.pictures import pixels

    height, width, channels = known["size"]
    (images,) = columns.values()
    return pixels(images, height, width, channels).reshape(len(images), height, width, channels)


_ENCODE = {"table": _encode_table, "text": _encode_text, "series": _encode_series, "image": _encode_image}
