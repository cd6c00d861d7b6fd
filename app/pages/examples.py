"""Trainings that a first visitor can start with one click, on the data that comes with the service."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.errors import NotFound
from app.payloads.uploads import Upload

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Example:
    """One training. `files` are paths in the project by the part of the upload that they are."""

    name: str
    title: str
    told: str
    files: dict[str, str]

    @property
    def there(self) -> bool:
        """Whether its files came along with the service."""
        return all((_ROOT / path).is_file() for path in self.files.values())

    def uploads(self) -> dict[str, Upload]:
        """Return the parts of POST /train_pipeline."""
        return {part: Upload(part, (_ROOT / path).read_bytes(), "", path) for part, path in self.files.items()}


_EXAMPLES = (
    Example(
        "penguins",
        "Penguins",
        "A table with numbers, categories and holes. Which of three species is it? The portfolio picks the model, in "
        "half a minute.",
        {"raw_data": "data/penguins.csv", "params": "parameters/portfolio.yml"},
    ),
    Example(
        "exercises",
        "Exercises",
        "324 series of a smartwatch. Which of two exercises is it? A forest on features of the signal, in seconds.",
        {
            "raw_data": "data/data_train.json",
            "labels": "data/label_train.json",
            "params": "parameters/train_parameters.yml",
        },
    ),
    Example(
        "diabetes",
        "Diabetes",
        "A table of numbers. How far has the disease progressed a year later? Boosted trees, in seconds.",
        {"raw_data": "data/diabetes.csv", "params": "parameters/diabetes.yml"},
    ),
)


def available() -> list[Example]:
    """Return the examples whose data is here."""
    return [example for example in _EXAMPLES if example.there]


def named(name: str) -> Example:
    """Return an example.

    Raises
    ------
    NotFound
    """
    found = next((example for example in available() if example.name == name), None)
    if found is None:
        raise NotFound("There is no such example.")
    return found
