"""`mlflow models serve` with a model of scikit-learn: model file, port, folder. One process."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def main() -> None:
    """Save the model in MLflow's own form and become the server."""
    import joblib
    import mlflow

    model, port, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    shutil.rmtree(folder, ignore_errors=True)
    # Requirements are given, as it would otherwise look for them by loading the model in another process.
    mlflow.sklearn.save_model(
        joblib.load(model), folder, pyfunc_predict_fn="predict_proba", pip_requirements=["scikit-learn"],
        serialization_format="cloudpickle",
    )  # fmt: skip
    command = Path(sys.executable).with_name("mlflow")
    place = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{place}:{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"}
    arguments = ["models", "serve", "-m", str(folder), "--env-manager", "local", "--workers", "1"]
    os.execve(command, [str(command), *arguments, "--host", "127.0.0.1", "--port", port], environment)  # noqa: S606  as S603


if __name__ == "__main__":
    main()
