"""Neural networks for tables, images, texts and series, whose architecture AutoKeras searches."""

from app.pipelines.autokeras.engine import AutoKerasEngine as AutoKerasEngine
