"""The prediction of the 2017 service with today's libraries: model file, port.

A form with `raw_data` and `params`, JSON to frame to tsfresh's Minimal features to a forest to JSON, in Flask under
gunicorn. That service's gunicorn closed the connection after each answer; here it stays, which is faster.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd


def features(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a row a series."""
    from tsfresh import extract_features
    from tsfresh.feature_extraction import MinimalFCParameters
    from tsfresh.utilities.dataframe_functions import impute

    return extract_features(
        frame,
        column_id="example_id",
        default_fc_parameters=MinimalFCParameters(),
        impute_function=impute,
        disable_progressbar=True,
    )


def create_app(model: str) -> object:
    """Return the web application."""
    import joblib
    import yaml
    from flask import Flask, Response, jsonify, request

    app = Flask(__name__)
    pipelines = {1: joblib.load(model)}

    @app.post("/serve_prediction")
    def predict() -> Response:
        frame = pd.DataFrame(json.loads(request.files["raw_data"].read()))
        forest = pipelines[yaml.safe_load(request.files["params"].read())["pipeline_id"]]
        rows = features(frame)
        scores = pd.DataFrame({"id": rows.index, "score": forest.predict_proba(rows)[:, 1]})
        return jsonify(scores.to_json())

    @app.get("/models")
    def models() -> Response:
        return jsonify(json.dumps({name: str(model) for name, model in pipelines.items()}))

    return app


def main() -> None:
    """Serve with one process."""
    from gunicorn.app.wsgiapp import WSGIApplication

    model, port = Path(sys.argv[1]).resolve(), sys.argv[2]
    place = f"{Path(__file__).stem}:create_app({str(model)!r})"
    settings = ["--worker-class", "gthread", "--threads", "2", "--timeout", "0", "--keep-alive", "75"]
    sys.argv = ["gunicorn", *settings, "--bind", f"127.0.0.1:{port}", "--chdir", str(Path(__file__).parent), place]
    WSGIApplication().run()


if __name__ == "__main__":
    main()
