"""Where models live: records and signed artefacts in Redis, one embedded server where there is no other."""
