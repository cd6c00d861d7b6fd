"""GET /metrics of one process; those of several are tested on a real service."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app import create_app
from app.auth import digest
from app.settings import Settings


@pytest.fixture
def get():
    """Return a function that asks an app on a Redis that is not there for its numbers."""

    def ask(key=None, **settings):
        app = create_app(Settings(redis_url="unix:///nowhere", signing_secret="x" * 40, **settings))
        return app.test_client().get("/metrics", headers={"Authorization": f"Bearer {key}"} if key else {})

    return ask


def test_numbers_of_the_processes_are_told_without_a_redis_too(get):
    response = get()
    assert response.content_type.startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    assert families["automl_store_up"].samples[0].value == 0
    assert families["automl_predict_seconds"].type == "histogram"
    assert families["automl_build_info"].samples[0].labels["version"]
    assert "automl_queue_length" not in families


def test_numbers_need_a_key_with_the_role_read(get):
    keys = {digest("reads"): "read"}
    assert get(api_keys=keys).status_code == 401
    assert get("reads", api_keys=keys).status_code == 200
