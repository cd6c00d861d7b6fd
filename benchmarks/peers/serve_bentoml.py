"""BentoML with a model of scikit-learn: model file, port, folder. One process, rows as an array of numbers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

SERVICE = """
from __future__ import annotations

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=1, logging={"access": {"enabled": False}}, metrics={"enabled": False})
class Model:
    def __init__(self) -> None:
        self.model = joblib.load(%r)

    @bentoml.api
    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(rows)
"""


def main() -> None:
    """Write the service and become the server."""
    model, port, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "service.py").write_text(SERVICE % str(model.resolve()))
    os.chdir(folder)
    environment = os.environ | {"BENTOML_DO_NOT_TRACK": "true", "BENTOML_HOME": str(folder.resolve() / "home")}
    command = Path(sys.executable).with_name("bentoml")
    arguments = ["serve", "service:Model", "--host", "127.0.0.1", "--port", port]
    os.execve(command, [str(command), *arguments], environment)  # noqa: S606  as S603: of constants


if __name__ == "__main__":
    main()
