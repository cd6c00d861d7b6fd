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


def pictures():
    """A zip of pictures of two kinds, bright on the left or on the right, and their labels by file name."""
    generator = np.random.default_rng(0)
    packed, labels = io.BytesIO(), []
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(60):
            pixels = generator.integers(0, 90, (12, 12), dtype="uint8")
            side = number % 2
            pixels[:, side * 6 : side * 6 + 6] += 120
            picture = io.BytesIO()
            Image.fromarray(pixels).save(picture, "PNG")
            archive.writestr(f"picture {number}.png", picture.getvalue())
            labels.append({"file": f"picture {number}.png", "label": ("left", "right")[side]})
    return ("pictures.zip", packed.getvalue()), pd.DataFrame(labels)


def waves():
    """Series of two signals, of different lengths, ordered by date: slow and fast ones."""
    generator = np.random.default_rng(0)
    frames, labels = [], []
    for number in range(40):
        length, speed = int(generator.integers(50, 80)), (0.2, 0.5)[number % 2]
        frames.append(
            pd.DataFrame(
                {
                    "wave": f"w{number}",
                    "when": pd.date_range("2024-01-01", periods=length, freq="h").strftime("%Y-%m-%dT%H:%M:%S"),
                    "height": np.sin(speed * np.arange(length) + number) + generator.normal(0, 0.3, length),
                    "wind": generator.normal(0, 1, length),
                }
            )
        )
        labels.append({"wave": f"w{number}", "label": ("slow", "fast")[number % 2]})
    return pd.concat(frames), pd.DataFrame(labels)


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
