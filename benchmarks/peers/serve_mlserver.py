"""MLServer with a model of scikit-learn: model file, port, folder. It answers in one process, as that is faster."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Write its two files of settings and become the server."""
    model, port, folder = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    # Its inference pool sends each request through one more process.
    server = {
        "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2, "host": "127.0.0.1",
        "parallel_workers": 0, "debug": False,
    }  # fmt: skip
    described = {
        "name": "model",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(model.resolve())},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(server))
    (folder / "model-settings.json").write_text(json.dumps(described))
    command = Path(sys.executable).with_name("mlserver")
    os.execv(command, [str(command), "start", str(folder)])  # noqa: S606  as S603: of constants


if __name__ == "__main__":
    main()
