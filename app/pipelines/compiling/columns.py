"""Fitted transformers of columns into encoders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from app.pipelines.compiled import encoders, transformers
from app.pipelines.compiled.operation import OfColumns
from app.pipelines.compiled.texts import Texts
from app.pipelines.compiling.compiler import kind_of, of_numbers
from app.pipelines.compiling.uncompiled import Uncompiled

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: A category that no column has.
_UNKNOWN = "\N{NULL}unknown"


def encoder(fitted: Any) -> OfColumns:
    """Return the encoder of a fitted ColumnTransformer.

    Raises
    ------
    Uncompiled
    """
    found: list[OfColumns] = []
    for name, step, columns in fitted.transformers_:
        if name == "remainder" and step == "drop":
            continue
        found += _encoders(step, [str(column) for column in columns])
    if not found:
        raise Uncompiled("it reads no column")
    return encoders.Beside(tuple(found))


def _encoders(step: Any, names: list[str]) -> Iterator[OfColumns]:
    steps = [each for _, each in step.steps] if hasattr(step, "steps") else [step]
    kinds = [kind_of(each) for each in steps]
    if kinds == ["sklearn.SimpleImputer", "sklearn.OneHotEncoder"]:
        yield from _categories(steps[0], steps[1], names)
        return
    first: OfColumns = encoders.Numbers(tuple(names))
    rest = steps[1:]
    match kinds[0]:
        case "sklearn.SimpleImputer":
            first = encoders.Numbers(tuple(names), steps[0].statistics_.astype("float64"))
        case "app.TextEncoder":
            first = _beside(list(_texts(steps[0], names)))
        case "app.DateEncoder":
            dates = zip(names, steps[0].medians_, steps[0].n_outputs_, strict=True)
            first = _beside([encoders.Dates(name, int(median), int(count)) for name, median, count in dates])
        case "app.Pixels":
            first = encoders.Pixels(names[0], steps[0].height, steps[0].width, steps[0].channels)
        case "app.RandomConvolutions":
            first = _convolutions(steps[0])
        case _:
            rest = steps
    if isinstance(first, encoders.Beside) and not first.encoders:
        # Columns of so few categories that their letters are not looked at.
        return
    yield transformers.Pipeline(first, tuple(map(of_numbers, rest))) if rest else first


def _beside(found: Sequence[OfColumns]) -> OfColumns:
    return found[0] if len(found) == 1 else encoders.Beside(tuple(found))


def _categories(imputer: Any, onehot: Any, names: list[str]) -> Iterator[OfColumns]:
    """Ask the encoder itself where it puts each category, whatever its options."""
    import numpy as np

    if imputer.fill_value != "":
        raise Uncompiled("missing categories are filled with more than nothing")
    outputs = onehot.get_feature_names_out([str(number) for number in range(len(names))])
    widths = np.bincount([int(output.partition("_")[0]) for output in outputs], minlength=len(names))
    begins = np.cumsum([0, *widths])
    for number, name in enumerate(names):
        known = [str(category) for category in onehot.categories_[number]]
        asked = np.array([[each[0] for each in onehot.categories_]] * (len(known) + 1), dtype="object")
        asked[:, number] = [*known, _UNKNOWN]
        try:
            encoded = np.asarray(onehot.transform(asked))[:, begins[number] : begins[number + 1]]
        except ValueError:
            raise Uncompiled("it refuses categories that it has not seen") from None
        places = np.where(encoded.any(axis=1), encoded.argmax(axis=1) if encoded.size else -1, -1)
        yield encoders.Categories(name, tuple(known), places[:-1], int(places[-1]), int(widths[number]))


def _texts(fitted: Any, names: list[str]) -> Iterator[OfColumns]:
    import numpy as np

    for name, vectorizer, directions in zip(names, fitted.vectorizers_, fitted.directions_, strict=True):
        if vectorizer is None:
            if directions.shape[1]:
                yield encoders.Zeros(name, directions.shape[1])
            continue
        words = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
        ends = np.cumsum([len(word) for word in words])
        yield Texts(name, fitted.letters, "".join(words), ends, vectorizer.idf_.astype("float32"), directions)


def _convolutions(fitted: Any) -> OfColumns:
    names = [str(name) for name in fitted.signals_]
    return encoders.Convolutions(
        names=tuple(names),
        lengths=tuple(int(fitted.lengths_[name]) for name in names),
        levels=tuple(float(fitted.levels_[name]) for name in names),
        dilations=tuple(tuple(int(dilation) for dilation, _ in fitted.biases_[name]) for name in names),
        biases=tuple(tuple(biases for _, biases in fitted.biases_[name]) for name in names),
    )
