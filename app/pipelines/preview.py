"""An upload, looked at before a training: read as the training would read it, and nothing is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.payloads import strict_yaml
from app.payloads.parameters import TrainParameters, check
from app.payloads.profiles.table import Profile, profile
from app.payloads.uploads import Upload, take
from app.pipelines.intake import tables_of

if TYPE_CHECKING:
    from app.settings import Settings


def look(uploads: dict[str, Upload], settings: Settings) -> Profile:
    """Profile the parts of POST /train_pipeline, of which only raw_data has to be there.

    Raises
    ------
    Unreadable, FormatUnknown, UploadTooLarge, Unacceptable, InvalidParameters, InvalidData
        What is wrong with a part by itself. Why parts do not fit each other is in the profile.
    """
    take(uploads, ("raw_data",), ("labels", "params"))
    said = strict_yaml.loads(uploads["params"].data, "params") if "params" in uploads else {}
    parameters = check(TrainParameters, {"pipeline_id": "profile", **said})
    tables = tables_of(uploads, parameters, parameters.task, settings)
    return profile(tables.frame, tables.labels, parameters)
