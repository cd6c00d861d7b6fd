"""Every example of parameters/ trains as it stands, in a small budget, on data such as its comments speak of."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests import kinds

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"

#: What the examples' own limits are cut to.
SMALL = {"seconds": 300, "candidates": 3}

#: Of networks: enough to see that they learn.
TINY = {"max_trials": 1, "epochs": 2}


def file(name):
    return name, (DATA / name).read_bytes()


def animals():
    """A zip with a folder for each class."""
    found, sides = kinds.pixels()
    names = [f"{side}/{number}.png" for number, side in enumerate(sides)]
    return (kinds.zipped(found, names),)


def digits():
    found, sides = kinds.pixels()
    packed = io.BytesIO()
    np.savez(packed, images=found, labels=sides)
    return (("digits.npz", packed.getvalue()),)


def reviews():
    frame = kinds.customers()
    opinion = frame["leaves"].map({"leaves": "bad", "stays": "good"})
    return (pd.DataFrame({"id": range(240), "review": frame["note"], "stars": frame["age"], "opinion": opinion}),)


def only_reviews():
    return (reviews()[0].drop(columns="stars"),)


def visits():
    frame, draw = kinds.customers(), np.random.default_rng(0)
    columns = {"customer": "visit", "city": "place", "since": "visited_at", "leaves": "returned"}
    frame = frame.rename(columns=columns).drop(columns="age")
    codes = [f"{number:05}" for number in draw.integers(1000, 1020, 240)]
    floors = draw.choice(["0", "1", "2", "?"], 240)
    return (frame.assign(postcode=codes, floor=floors, weight=draw.random(240).round(2) + 0.1),)


def sales():
    return (kinds.sales().rename(columns={"store": "shop", "sales": "sold"}),)


def temperature():
    hours = np.arange(400)
    return (pd.DataFrame({"time": hours, "celsius": 10 + 5 * np.sin(hours / 24 * 2 * np.pi)}),)


def recordings():
    frame, labels = kinds.stacked_waves()
    frame = frame.rename(columns={"wave": "recording", "when": "time"})
    frame["value"] = frame["value"].mask(frame["value"] > 2.5)
    labels = labels.rename(columns={"wave": "recording"}).assign(patient=np.arange(40) // 2).head(12)
    return frame[frame["recording"].isin(labels["recording"])], labels


def machines():
    frame, labels = kinds.waves()
    frame = frame.rename(columns={"wave": "run", "when": "time"})
    return frame, labels.rename(columns={"wave": "run"}).assign(machine=np.arange(40) // 4)


def exercises():
    return file("data_train.json"), file("label_train.json")


def penguins():
    return (file("penguins.csv"),)


def diabetes():
    return (file("diabetes.csv"),)


#: {file of parameters/: the parts of an upload that it is for}.
UPLOADS = {
    "autokeras_images": animals,
    "autokeras_series": exercises,
    "autokeras_table": penguins,
    "autokeras_text": only_reviews,
    "diabetes": diabetes,
    "forecasting": sales,
    "forecasting_single": temperature,
    "images": animals,
    "images_arrays": digits,
    "messy": visits,
    "penguins": penguins,
    "portfolio": penguins,
    "portfolio_forecasting": sales,
    "portfolio_regression": diabetes,
    "series_selected": exercises,
    "series_stacked": recordings,
    "series_wide": machines,
    "text": reviews,
    "tpot": exercises,
    "train_parameters": exercises,
    "train_parameters_model2": exercises,
}

#: Files that are for other routes.
NO_TRAININGS = {"test_parameters", "test_parameters_model2"}

#: Those that explain, which is tested in `test_explanations`.
EXPLAINING = {path.stem for path in (ROOT / "parameters").glob("explain*.yml")}


def test_each_example_is_tested():
    assert {path.stem for path in (ROOT / "parameters").glob("*.yml")} == UPLOADS.keys() | NO_TRAININGS | EXPLAINING


@pytest.mark.parametrize("name", UPLOADS)
def test_an_example_trains_as_it_stands(pipeline, name):
    parameters = yaml.safe_load((ROOT / "parameters" / f"{name}.yml").read_text())
    del parameters["pipeline_id"]
    training = parameters.setdefault("model_training", {})
    if str(training.get("model")).startswith("autokeras."):
        training["model_args"] |= TINY
    response = pipeline.train(*UPLOADS[name](), **{"explain": {}, **parameters, "limits": SMALL})
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["metric"] == (training.get("metric") or answer["metric"])
    assert answer["metrics"][answer["metric"]]["mean"] is not None
