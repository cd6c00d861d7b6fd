"""Small data of every kind, as people have them."""

import io
import zipfile

import numpy as np
import pandas as pd
from PIL import Image

WORDS = ["quick", "slow", "kind", "rude", "late", "early"]


def customers():
    """Rows as people have them: numbers, dates, many cities, free text, yes and no, and holes."""
    generator = np.random.default_rng(0)
    rows = 240
    frame = pd.DataFrame(
        {
            "customer": [f"C{number:04}" for number in range(rows)],
            "age": generator.normal(45, 12, rows).round(1),
            "since": pd.date_range("2019-01-01", periods=rows).strftime("%Y-%m-%d"),
            "city": generator.choice([f"Town {number}" for number in range(60)], rows),
            "plan": generator.choice(["basic", "full", None], rows),
            "member": generator.random(rows) > 0.5,
            "note": [" ".join(generator.choice(WORDS, 7)) for _ in range(rows)],
        }
    )
    frame.loc[::9, "age"] = np.nan
    leaves = 0.05 * frame["age"].fillna(45) + frame["member"] + 2 * frame["note"].str.count("rude") > 4.6
    return frame.assign(leaves=np.where(leaves, "leaves", "stays"))


def spending():
    """The same customers, and what each has spent: a number that follows from age, membership and the note."""
    frame = customers().drop(columns="leaves")
    noise = np.random.default_rng(1).normal(0, 5, len(frame))
    spent = 300 + 3 * frame["age"].fillna(45) + 60 * frame["member"] + 20 * frame["note"].str.count("rude") + noise
    return frame.assign(spent=spent.round(2))


def pixels():
    """Pictures of two kinds, bright on the left or on the right, and which side it is."""
    generator = np.random.default_rng(0)
    found = generator.integers(0, 90, (60, 12, 12), dtype="uint8")
    for number, picture in enumerate(found):
        side = number % 2
        picture[:, side * 6 : side * 6 + 6] += 120
    return found, np.resize(["left", "right"], len(found))


def pictures():
    """A zip of these pictures, and their labels by file name."""
    found, sides = pixels()
    return zipped(found), pd.DataFrame({"file": names(found), "label": sides})


def brightness():
    """A zip of such pictures, some of them darker, and how bright each is: a number by file name, far from 0."""
    found, _ = pixels()
    found = (found * np.linspace(0.3, 1, len(found))[:, None, None]).astype("uint8")
    return zipped(found), pd.DataFrame({"file": names(found), "label": 200 + found.mean(axis=(1, 2)).round(3)})


def arrays():
    """These pictures as the arrays of an .npz, their names and labels among them."""
    found, sides = pixels()
    packed = io.BytesIO()
    np.savez(packed, images=found, ids=np.array(names(found)), labels=sides)
    return "pictures.npz", packed.getvalue()


def zipped(found, paths=None):
    """Return pictures as a zip of PNG files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, picture in zip(paths or names(found), found, strict=True):
            png = io.BytesIO()
            Image.fromarray(picture).save(png, "PNG")
            archive.writestr(name, png.getvalue())
    return "pictures.zip", packed.getvalue()


def names(found):
    """Return the file names of pictures."""
    return [f"picture {number}.png" for number in range(len(found))]


def waves():
    """Series of two signals, of different lengths, ordered by date: slow and fast ones."""
    generator = np.random.default_rng(0)
    frames = [wave(generator, number, (0.2, 0.5)[number % 2]) for number in range(40)]
    labels = {"wave": [f"w{number}" for number in range(40)], "label": np.resize(["slow", "fast"], 40)}
    return pd.concat(frames), pd.DataFrame(labels)


def stacked_waves():
    """The same series with a row a value: a column names its signal."""
    frame, labels = waves()
    return frame.melt(["wave", "when"], ["height", "wind"], "sensor", "value"), labels


def speeds():
    """Series like these, and how fast each is: a number, far from 0."""
    generator = np.random.default_rng(0)
    found = np.linspace(120, 150, 40).round(1)
    frames = [wave(generator, number, speed / 100) for number, speed in enumerate(found)]
    return pd.concat(frames), pd.DataFrame({"wave": [f"w{number}" for number in range(40)], "speed": found})


def wave(generator, number, speed):
    """Return one series of two signals, of which one tells its speed."""
    length = int(generator.integers(50, 80))
    return pd.DataFrame(
        {
            "wave": f"w{number}",
            "when": pd.date_range("2024-01-01", periods=length, freq="h").strftime("%Y-%m-%dT%H:%M:%S"),
            "height": np.sin(speed * np.arange(length) + number) + generator.normal(0, 0.3, length),
            "wind": generator.normal(0, 1, length),
        }
    )


def sales():
    """Return two series of daily sales with a week in them and a slope."""
    days = np.arange(120)
    series = [
        pd.DataFrame(
            {
                "store": name,
                "day": pd.date_range("2025-01-01", periods=len(days)).strftime("%Y-%m-%d"),
                "sales": level + days % 7 + 0.1 * days,
            }
        )
        for name, level in (("north", 10.0), ("south", 50.0))
    ]
    return pd.concat(series)
