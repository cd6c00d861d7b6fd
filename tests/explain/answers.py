"""Small answers of POST /explain, one of every shape, in names that a test gives them."""

from __future__ import annotations

import math


def answers(name="age", other="city", value="Oslo", label="yes", row_id="r1", text="good film, good end"):
    """Return {what it is of: an answer}."""
    made = _Answers(name, other, value, label, row_id, text)
    return {
        "lime": made.lime(),
        "shap": made.shap(),
        "shap of log odds": made.log_odds(),
        "words": made.words(),
        "segments": made.segments("segments"),
        "features_on_signal": made.segments("features_on_signal"),
        "regions": made.regions(),
        "grad_cam": made.grad_cam(),
        "gradients": made.gradients(),
        "nearest": made.nearest(),
        "counterfactual": made.counterfactual(),
        "no counterfactual": made.no_counterfactual(),
        "ice": made.ice(),
        "partial_dependence": made.partial_dependence(),
        "surface": made.surface(),
        "interactions": made.interactions(),
        "permutation_importance": made.permutation_importance(),
        "summary": made.summary(),
        "summary of words": made.summary_of_words(),
        "summary of images": made.summary_of_images(),
        "sp_lime": made.sp_lime(),
    }


def picture(height=6, width=9, channels=3):
    """Return an image of a light square on dark ground."""
    light = [[60 + 150 * (2 <= y < 5 and 3 <= x < 7) for x in range(width)] for y in range(height)]
    return [[[pixel] * channels for pixel in row] for row in light]


class _Answers:
    def __init__(self, name, other, value, label, row_id, text):
        self.name, self.other, self.value, self.label, self.row_id, self.text = name, other, value, label, row_id, text

    def answer(self, method, explanations=(), overall=(), task="classification"):
        first = (*explanations, *overall)[0]
        said = {key: first[key] for key in ("algorithm", "scale", "num_samples", "background", "ended")}
        return {
            "modelId": self.value,
            "version": 3,
            "method": method,
            "task": task,
            "seed": 7,
            **said,
            "explanations": list(explanations),
            "overall": list(overall),
            "seconds": 0.25,
        }

    def entry(self, contributions=(), base=None, local=None, scale="probability", ended="exact", asked=None, **more):
        return {
            "id": self.row_id,
            "algorithm": "an_algorithm",
            "scale": scale,
            "num_samples": asked,
            "background": 50,
            "ended": ended,
            "target": self.label,
            "prediction": 0.8125,
            "base_value": base,
            "local_prediction": local,
            "contributions": list(contributions),
            "rest": {"features": 0, "contribution": 0.0},
            **more,
        }

    def many(self, contributions=(), **more):
        entry = self.entry(contributions, **more)
        for of_a_row in ("id", "prediction", "local_prediction"):
            del entry[of_a_row]
        return {**entry, "rows": 40}

    def one(self, share, name=None, value=None, error=None, **more):
        found = {"feature": self.name if name is None else name, "value": value, "contribution": share, **more}
        if error is not None:
            found |= {"standard_error": error, "interval": [share - 1.96 * error, share + 1.96 * error]}
        return found

    def lime(self):
        found = [
            self.one(0.3125, value=41.5, error=0.0125, condition=f"{self.name} > 40"),
            self.one(-0.0625, self.other, self.value, 0.0125, condition=f"{self.other} = {self.value}"),
        ]
        trust = {"fidelity": 0.91, "standard_error": 0.0125, "divergence": 0.0175, "stability": 0.95}
        rest = {"features": 2, "contribution": 0.0375}
        first = self.entry(found, 0.5, 0.7875, ended="num_samples", asked=5000, rest=rest, **trust)
        poor = {**first, "id": f"{self.row_id} again", "fidelity": 0.31, "stability": 0.4, "ended": "max_error"}
        return self.answer("lime", [first, poor])

    def shap(self):
        found = [self.one(12.5, value=41.5), self.one(-3.25, self.other, None), self.one(0.0, "third", "a")]
        entry = self.entry(found, 100.5, 109.75, scale="value", additivity_error=1.5e-9)
        return self.answer("shap", [{**entry, "target": None, "prediction": 109.75}], task="regression")

    def log_odds(self):
        found = [self.one(1.5, value=41.5), self.one(-0.25, self.other, self.value)]
        return self.answer("shap", [self.entry(found, -1.25, 0.0, scale="log_odds", additivity_error=0.9)])

    def words(self):
        places = {"good": [[0, 4], [11, 15]], "end": [[16, 19]]}
        found = [
            self.one(0.25, value="good", error=0.01, start=0, end=4),
            self.one(-0.125, value="end", error=0.01, start=16, end=19),
        ]
        words = [{"feature": self.name, "value": word, "spans": spans} for word, spans in places.items()]
        details = {"texts": {self.name: self.text}, "words": words, "fidelity": 0.7, "standard_error": 0.01}
        return self.answer("lime", [self.entry(found, 0.5, 0.625, ended="num_samples", asked=1000, **details)])

    def segments(self, method):
        signals = {
            self.name: [math.sin(place / 4) if place != 17 else None for place in range(40)],
            self.other: [float(place % 5) for place in range(40)],
        }
        found = [
            self.one(0.25, start=110, end=120),
            self.one(-0.125, start=130, end=140),
            self.one(0.0625, self.other, start=100, end=110),
        ]
        trust = {"placed": 0.875, "additivity_error": 0.0} if method == "features_on_signal" else {"fidelity": 0.85}
        entry = self.entry(found, 0.5, 0.6875, ended="num_samples", asked=500, signals=signals, start=100, **trust)
        return self.answer(method, [{**entry, "step": 2}])

    def regions(self):
        regions = [[(x >= 4) + 2 * (y >= 3) for x in range(9)] for y in range(6)]
        found = [self.one(0.25, region=3, error=0.02), self.one(-0.125, region=0, error=0.02)]
        details = {"regions": regions, "image": picture(), "additivity_error": 0.0, "standard_error": 0.02}
        return self.answer("shap", [self.entry(found, 0.5, 0.625, ended="num_samples", asked=1000, **details)])

    def grad_cam(self):
        heat = [[max(0.0, 1 - abs(x - 7) / 4) * (y >= 4) for x in range(9)] for y in range(6)]
        first = self.entry(scale="share", map=heat, image=picture(channels=1), drop=0.375)
        empty = [[0.0] * 9 for _ in range(6)]
        return self.answer("grad_cam", [first, {**first, "id": "empty", "map": empty, "drop": -0.0625}])

    def gradients(self):
        found = [self.one(0.25, value=41.5, error=0.2), self.one(0.0125, self.other, 3.0, 0.2)]
        trust = {"additivity_error": 0.01, "standard_error": 0.2}
        return self.answer("gradients", [self.entry(found, 0.5, 0.7625, ended="num_samples", asked=500, **trust)])

    def found(self, changed, **values):
        return {
            "distance": 1.375,
            "prediction": 0.1875,
            "outcome": self.label,
            "values": {self.name: 41.5, self.other: self.value, "third": True} | values,
            "changed": changed,
        }

    def nearest(self):
        row = {self.name: 39.5, self.other: self.value, "third": True}
        return self.answer("nearest", [self.entry(row=row, nearest=[self.found([self.name])])])

    def counterfactual(self):
        found = [self.found([self.name]), self.found([self.other], **{self.name: 38.5})]
        details = {"wanted": {"class": self.label}, "counterfactuals": found, "note": None}
        return self.answer("counterfactual", [self.entry(ended="deadline", asked=700, **details)])

    def no_counterfactual(self):
        details = {"wanted": {"at_least": 5.5, "at_most": None}, "counterfactuals": [], "note": "None was found."}
        return self.answer("counterfactual", [self.entry(ended="exhausted", asked=700, **details)], task="regression")

    def ice(self):
        curves = [
            {"feature": self.name, "value": 3.0, "grid": [1.0, 2.0, 4.0], "predictions": [0.25, 0.5, 0.875]},
            {"feature": self.other, "value": self.value, "grid": [self.value, "other"], "predictions": [0.5, 0.75]},
            {"feature": "since", "value": None, "grid": ["2020-01-01", "2020-02-01"], "predictions": [0.5, 0.25]},
            {"feature": "member", "value": True, "grid": [False, True], "predictions": [0.5, 0.5]},
            {"feature": "nothing", "value": None, "grid": [], "predictions": []},
        ]
        curves = [curve | {"variation": 0.625} for curve in curves]
        return self.answer("ice", [self.entry([self.one(0.2, value=3.0)], asked=10, curves=curves)])

    def partial_dependence(self):
        curves = [
            {"feature": self.name, "grid": [1.0, 2.0, 4.0], "mean": [0.25, 0.5, 0.875]},
            {"feature": self.other, "grid": [self.value, "other"], "mean": [0.5, 0.75]},
        ]
        for curve in curves:
            curve["low"] = [value - 0.125 for value in curve["mean"]]
            curve["high"] = [value + 0.125 for value in curve["mean"]]
            curve["variation"] = 0.625
        found = [self.one(0.25), self.one(0.125, self.other)]
        first = self.many(found, asked=200, curves=curves)
        other = first | {"target": "no", "curves": curves[:1]}
        return self.answer("partial_dependence", overall=[first, other])

    def surface(self):
        surface = {
            "features": [self.name, self.other],
            "grids": [[1.0, 2.0, 4.0], [self.value, "other"]],
            "mean": [[0.25, 0.5], [0.5, 0.625], [0.875, None]],
            "interaction": 0.0375,
        }
        found = [self.one(0.25), self.one(0.125, self.other)]
        return self.answer("partial_dependence", overall=[self.many(found, asked=200, surface=surface)])

    def interactions(self):
        pairs = [{"features": [self.name, self.other], "interaction": 0.375, "standard_error": 0.05}]
        found = [self.one(0.25, error=0.02), self.one(0.125, self.other, error=0.02)]
        return self.answer("interactions", overall=[self.many(found, interactions=pairs)])

    def permutation_importance(self):
        spread = {
            self.name: {"std": 0.05, "values": [0.2, 0.25, 0.3]},
            self.other: {"std": None, "values": [-0.0125, None]},
        }
        found = [self.one(0.25, error=0.02), self.one(-0.0125, self.other)]
        details = {"metric": "roc_auc", "baseline": 0.9375, "repeats": 3, "left_out": 4, "note": self.text}
        entry = self.many(found, scale="score", spread=spread, **details)
        return self.answer("permutation_importance", overall=[entry, entry | {"target": "no"}])

    def summary(self):
        points = {
            self.name: {"contributions": [0.25, -0.25, None, 0.25], "values": [1.0, 5.5, 2.0, None]},
            self.other: {"contributions": [0.125, 0.0, 0.0, -0.125], "values": [self.value, "b", "c", "2020-01-01"]},
        }
        table = [{"feature": name, "value": None, "mean": -0.0625, "rows": 40} for name in (self.name, self.other)]
        found = [self.one(0.1875, error=0.02), self.one(0.0625, self.other, error=0.02)]
        entry = self.many(found, base=0.5, additivity_error=0.0, table=table, points=points)
        return self.answer("summary", overall=[entry])

    def summary_of_words(self):
        table = [{"feature": self.name, "value": self.value, "mean": -0.0625, "rows": 40}]
        entry = self.many([self.one(0.1875, value=self.value)], base=0.5, fidelity=0.4, table=table, points={})
        return self.answer("summary", overall=[entry])

    def summary_of_images(self):
        heat = [[(x - 4) * 0.125 * (y < 3) for x in range(9)] for y in range(6)]
        spread = [[0.25 for _ in range(9)] for _ in range(6)]
        trust = {"standard_error": 0.02, "additivity_error": 0.0}
        return self.answer("summary", overall=[self.many(map=heat, deviation=spread, **trust)])

    def sp_lime(self):
        names = (self.name, self.other)
        shares = {"importance": 1.5, "mean": -0.0625, "mean_absolute": 0.1875, "rows": 20, "raising": 5, "lowering": 15}
        table = [{"feature": name, **shares} for name in names]
        found = [self.one(0.1875, error=0.02), self.one(0.0625, self.other, error=0.02)]
        entry = self.many(found, ended="num_samples", asked=5000, fidelity=0.6, coverage=0.9, table=table, picked=2)
        return self.answer("sp_lime", self.lime()["explanations"], [entry])
