"""Files into frames, and frames into rows and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.payloads.csv_tables import as_ids, delimiter_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: What stands for true and for false.
TRUE, FALSE = {"true", "yes", "y", "t", "1", "1.0"}, {"false", "no", "n", "f", "0", "0.0"}


def read(path: str, id_column: str | None = None, text: tuple[str, ...] | None = ()) -> pd.DataFrame:
    """Read a table: CSV, JSON, JSON lines, Parquet or Arrow.

    Parameters
    ----------
    id_column
        Of a CSV its values are numbers only where each is written as one: 007 is another id than 7.
    text
        Columns that are text in a CSV, even where they look like numbers; None for all but the ids.
    """
    import json
    from pathlib import Path

    import pandas as pd

    suffix = Path(path).suffix.lower()
    if suffix == ".parquet":
        return pd.read_parquet(path)
    if suffix in (".arrow", ".feather"):
        return pd.read_feather(path)
    if suffix in (".jsonl", ".ndjson"):
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
        return pd.DataFrame([json.loads(line) for line in lines if line.strip()])
    if suffix != ".json":
        kinds = "str" if text is None else dict.fromkeys([*text, id_column], "str")
        with Path(path).open(encoding="utf-8-sig") as file:
            delimiter = delimiter_of(file.readline())
        frame = pd.read_csv(path, sep=delimiter, encoding="utf-8-sig", low_memory=False, dtype=kinds)
        if id_column in frame.columns and id_column not in (text or ()):
            frame[id_column] = as_ids(frame[id_column])
        return frame
    data = json.loads(Path(path).read_text(encoding="utf-8"))
    if isinstance(data, dict) and {"columns", "data"} <= data.keys():
        return pd.DataFrame(data["data"], columns=data["columns"])
    if isinstance(data, dict):
        # {column: {row: value}}, as DataFrame.to_json() writes it, or {column: [value, …]}.
        data = {name: list(values.values()) if isinstance(values, dict) else values for name, values in data.items()}
    return pd.DataFrame(data)


def read_images(path: str) -> pd.DataFrame:
    """Read a folder or a zip of PNG and JPEG files: path, bytes, and the first folder that not all files are in.

    Of an .npz: id, bytes and label.
    """
    import zipfile
    from pathlib import Path, PurePosixPath

    import pandas as pd

    if Path(path).is_dir():
        found = [file for file in sorted(Path(path).rglob("*")) if file.is_file()]
        files = {file.relative_to(path).as_posix(): file.read_bytes() for file in found}
    else:
        with zipfile.ZipFile(path) as archive:
            # Some systems write backslashes.
            named = [(entry.filename.replace("\\", "/"), entry) for entry in archive.infolist()]
            files = {str(PurePosixPath(name)): archive.read(entry) for name, entry in named if not name.endswith("/")}
    files = {name: data for name, data in files.items() if not is_bystander(name)}
    if all(name.endswith(".npy") for name in files):
        return from_arrays(files)
    frame = pd.DataFrame({"file": list(files), "image": pd.Series(list(files.values()), dtype="object")})
    parts = [name.split("/")[:-1] for name in files]
    while all(parts) and len({part[0] for part in parts}) == 1:
        parts = [part[1:] for part in parts]
    return frame.assign(folder=[part[0] for part in parts]) if all(parts) else frame


def is_bystander(path: str) -> bool:
    """Tell whether a file is hidden, or one that systems put beside others."""
    steps = path.split("/")
    hidden = any(step.startswith(".") for step in steps)
    return hidden or steps[0] == "__MACOSX" or steps[-1].lower() in ("thumbs.db", "desktop.ini")


def from_arrays(files: dict[str, bytes]) -> pd.DataFrame:
    """Return images as PNGs, beside their ids and labels where an .npz has some."""
    import io

    import numpy as np
    import pandas as pd
    from PIL import Image

    def encoded(pixels: Array) -> bytes:
        plain = np.rint(pixels.astype("float64") * scale).astype("uint8")
        sink = io.BytesIO()
        Image.fromarray(plain[:, :, 0] if plain.shape[2:] == (1,) else plain).save(sink, "PNG", compress_level=1)
        return sink.getvalue()

    arrays = {name.removesuffix(".npy"): np.load(io.BytesIO(data)) for name, data in files.items()}
    images = arrays["images"] if "images" in arrays else arrays["x"]
    # Floats are from 0 to 1.
    scale = 255 if images.dtype.kind in "bf" else 1
    frame = pd.DataFrame({"file": range(len(images)), "image": pd.Series(map(encoded, images), dtype="object")})
    columns = {"ids": "file", "labels": "label", "y": "label"}
    return frame.assign(**{columns[name]: arrays[name].ravel() for name in arrays if name in columns})


def rows(frame: pd.DataFrame, kinds: dict[str, str], day_first: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the columns that the pipeline takes, each as its kind.

    Parameters
    ----------
    kinds
        {column: number, boolean, category, text, date or image}.
    day_first
        Dates that are written with the day before the month.
    """
    import pandas as pd

    def column(name: str, kind: str) -> pd.Series:
        values = frame[name]
        if kind == "number":
            return pd.to_numeric(values, errors="coerce").astype("float64")
        if kind == "boolean":
            words = values.astype("str").str.strip().str.lower()
            return words.map(dict.fromkeys(TRUE, 1.0) | dict.fromkeys(FALSE, 0.0)).astype("float64")
        if kind == "date":
            moments = pd.to_datetime(values, format="mixed", dayfirst=name in day_first, utc=True, errors="coerce")
            return moments.dt.tz_localize(None).astype("datetime64[us]")
        if kind == "image":
            return values.map(from_base64).astype("object")
        return as_text(values)

    return pd.DataFrame({name: column(name, kind) for name, kind in kinds.items()})


def dates(values: pd.Series) -> pd.Series:
    """Return dates in UTC; the day comes first before dots, and where a first number is no month."""
    import pandas as pd

    text = values.astype("str").str.strip()
    first = text.str.extract(r"^(\d{1,2})([-/.])")
    day_first = bool((first[1] == ".").any() or (first[0].astype("float64") > 12).any())
    moments = pd.to_datetime(text, format="mixed", dayfirst=day_first, utc=True)
    return moments.dt.tz_localize(None).astype("datetime64[us]")


def as_text(values: pd.Series) -> pd.Series:
    """Return text; whole numbers without a point, whether other rows are empty or not."""
    import pandas as pd

    if pd.api.types.is_float_dtype(values):
        return values.map(
            lambda value: str(int(value)) if value == int(value) else repr(value), na_action="ignore"
        ).astype("str")
    return values.astype("str")


def from_base64(image: Any) -> bytes:
    """Return the bytes of an image, which in a table may be text."""
    import base64

    return image if isinstance(image, bytes) else base64.b64decode(image.rpartition(",")[2])


def beside(
    name: str | None,
    frame: pd.DataFrame,
    labels: pd.DataFrame | None,
    id_column: str | None,
    others: tuple[str, ...] = (),
) -> pd.Series:
    """Return the values of a column, one a row or series: of the labels where they have it, else of the data.

    Parameters
    ----------
    name
        None: the one column of the labels that is not the id.
    id_column
        By which labels are joined.
    others
        Columns of the labels that hold something else.
    """
    if name is None:
        assert labels is not None
        name = next(column for column in labels.columns if column not in (id_column, *others))
    source = frame if labels is None or name not in labels.columns else labels
    if id_column not in source.columns:
        return source[name]
    pairs = source[[id_column, name]].drop_duplicates().set_index(id_column)
    return pairs[name].reindex(frame[id_column].unique())


def coded(labels: pd.Series, classes: list[Any]) -> Array:
    """Return the code of each label: its place among the classes."""
    codes = labels.map({label: code for code, label in enumerate(classes)})
    if codes.isna().any():
        raise ValueError("there are labels that the training did not have")
    coded: Array = codes.to_numpy(dtype="int64")
    return coded
