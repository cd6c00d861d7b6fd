"""What fuzzers and their replay call: bytes of a caller, which are read, or refused in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import ServiceError
from app.payloads import frames, strict_yaml
from app.payloads.parameters import PredictParameters, TrainParameters, check
from app.payloads.uploads import Upload
from app.settings import Settings

#: What a fuzzer has found stands here, a file each: it is replayed by every run of the tests.
CORPUS = Path(__file__).parent / "corpus"

#: Formats of tables, by the first byte of the input.
FORMATS = (".json", ".jsonl", ".csv", ".parquet", ".arrow", ".zip", ".png")

_SETTINGS = Settings(redis_url="unix:///nowhere", data_dir=Path(os.devnull), signing_secret="x" * 40, max_upload_mb=1)


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except ServiceError as error:
        if error.status >= 500:
            raise


def yaml(data: bytes) -> None:
    """Read parameters of a training and of a prediction."""
    for model in (TrainParameters, PredictParameters):
        with _refused():
            check(model, strict_yaml.loads(data, "params"))


def table(data: bytes) -> None:
    """Read a table, whose format is told by the first byte."""
    if not data:
        return
    upload = Upload("raw_data", data[1:], filename=f"x{FORMATS[data[0] % len(FORMATS)]}")
    with _refused():
        frames.read(upload, _SETTINGS)
