"""POST /train_pipeline where the service has no place for one more."""

from app import create_app


def test_a_training_beyond_those_that_may_wait_is_asked_to_come_back(settings, client_of_redis, training):
    client = create_app(settings.model_copy(update={"max_queued_jobs": 1})).test_client()
    assert client.post("/train_pipeline", **training()).status_code == 202
    answer = client.post("/train_pipeline", **training())
    assert (answer.status_code, answer.json["type"]) == (503, "urn:problem:busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert len(client.get("/jobs").json) == 1
