"""Pages of other origins cannot use the service through their visitors' browsers; programs and its own pages can."""

import pytest

OWN = "http://localhost"


@pytest.mark.parametrize("headers", [{}, {"Origin": OWN}, {"Origin": OWN, "Sec-Fetch-Site": "same-origin"}])
def test_programs_and_own_pages_pass(client, headers):
    # There is no such model, which is found out only after the origin was checked.
    assert client.delete("/models/none", headers=headers).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:81"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_pages_of_other_origins_are_refused(client, headers):
    answer = client.delete("/models/none", headers=headers)
    assert answer.status_code == 403
    assert answer.json["type"] == "urn:problem:origin-refused"


def test_reading_needs_no_origin(client):
    assert client.get("/models", headers={"Origin": "http://evil.example"}).status_code == 200
