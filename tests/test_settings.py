"""Settings from the environment and from a bound service."""

import json
import re

import pytest
from gunicorn.util import parse_address

from app import create_app
from app.auth import digest
from app.settings import Settings, SettingsError

KEYS = f"admin:{digest('a key')}"
SECRET = "a secret of thirty-two characters or more"
OPEN = {"HOST": "0.0.0.0", "API_KEYS": KEYS, "SIGNING_SECRET": SECRET}


def bound(credentials, label="p-redis", name="my-store", tags=()):
    return json.dumps({label: [{"name": name, "tags": list(tags), "credentials": credentials}]})


def test_an_empty_environment_gives_a_service_on_loopback_without_a_redis():
    settings = Settings.from_environment({})
    assert (settings.host, settings.port, settings.on_loopback) == ("127.0.0.1", 8080, True)
    assert settings.redis_url is settings.signing_secret is None
    assert settings.api_keys == {}


def test_each_variable_sets_the_field_of_its_name():
    settings = Settings.from_environment({**OPEN, "PORT": "9000", "MAX_UPLOAD_MB": "1", "LEGACY_JSON_STRINGS": "true"})
    assert (settings.port, settings.max_upload_mb, settings.legacy_json_strings) == (9000, 1, True)
    assert settings.signing_secret == SECRET
    assert not settings.on_loopback


def test_an_empty_variable_counts_as_not_set():
    assert Settings.from_environment({"PORT": "", "REDIS_URL": ""}) == Settings.from_environment({})


def test_only_a_service_that_others_reach_has_routers_to_wait_for_at_its_stop():
    assert Settings.from_environment({}).drain_seconds == 0
    assert Settings.from_environment(OPEN).drain_seconds == 5
    assert Settings.from_environment({**OPEN, "DRAIN_SECONDS": "1"}).drain_seconds == 1


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        Settings.from_environment({}).port = 1


@pytest.mark.parametrize(
    ("credentials", "url"),
    [
        pytest.param({"uri": "rediss://:pw@host:6380/0", "password": "other"}, "rediss://:pw@host:6380/0", id="uri"),
        pytest.param({"host": "h", "port": 6380, "password": "pw"}, "redis://:pw@h:6380/0", id="host and port"),
        pytest.param({"hostname": "h", "password": "pw"}, "redis://:pw@h:6379/0", id="hostname, no port"),
        pytest.param({"host": "h", "port": 1, "tls_port": 2, "password": "pw"}, "rediss://:pw@h:2/0", id="TLS"),
        pytest.param(
            {"host": "h", "port": 1, "password": "p@:/"}, "redis://:p%40%3A%2F@h:1/0", id="a password to quote"
        ),
        pytest.param({"host": "h", "username": "u", "password": "p"}, "redis://u:p@h:6379/0", id="a user"),
    ],
)
def test_the_credentials_of_a_bound_redis_make_its_address(credentials, url):
    assert Settings.from_environment({"VCAP_SERVICES": bound(credentials)}).redis_url == url


@pytest.mark.parametrize(
    "service",
    [
        *(
            {"label": label}
            for label in ("redis", "p-redis", "p.redis", "redis-enterprise", "azure-redis", "rediscloud")
        ),
        *({"label": label} for label in ("aws-valkey", "redis7")),
        *({"label": "user-provided", "name": name} for name in ("Redis", "automl-redis", "my_valkey_1")),
        *({"label": "x", "tags": ["data", tag]} for tag in ("redis", "Valkey", "redis cache")),
    ],
)
def test_a_redis_is_known_by_its_label_its_name_or_a_tag(service):
    assert (
        Settings.from_environment({"VCAP_SERVICES": bound({"uri": "redis://:p@h"}, **service)}).redis_url
        == "redis://:p@h"
    )


@pytest.mark.parametrize(
    "service",
    [
        {},
        {"name": "prediscovery"},
        {"name": "my-rediscovery"},
        {"label": "prediscovery"},
        {"tags": ["rediscovered", "predis"]},
    ],
)
def test_a_service_of_another_kind_is_not_taken(service):
    services = bound({"uri": "postgres://h"}, **{"label": "pg", **service})
    assert Settings.from_environment({"VCAP_SERVICES": services}).redis_url is None


@pytest.mark.parametrize("url", ["redis://:pw@h", "rediss://:pw@h:6380/0", "unix:///tmp/redis.sock"])
def test_the_address_of_a_redis_is_kept_as_it_is(url):
    assert Settings.from_environment({"REDIS_URL": url}).redis_url == url


def test_bound_services_may_come_in_a_file(tmp_path):
    path = tmp_path / "services.json"
    path.write_text(bound({"uri": "redis://:p@file"}))
    environment = {"VCAP_SERVICES_FILE_PATH": str(path), "VCAP_SERVICES": bound({"uri": "redis://:p@variable"})}
    assert Settings.from_environment(environment).redis_url == "redis://:p@file"


@pytest.mark.parametrize("services", [bound({"uri": "redis://:p@bound"}), "{broken"])
def test_redis_url_wins_over_a_bound_service(services):
    environment = {"REDIS_URL": "redis://:p@mine", "VCAP_SERVICES": services}
    assert Settings.from_environment(environment).redis_url == "redis://:p@mine"


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        pytest.param({"VCAP_SERVICES": "{s3cret"}, "VCAP_SERVICES", id="services that are not JSON"),
        pytest.param({"VCAP_SERVICES": "[1]"}, "VCAP_SERVICES", id="services that are a list"),
        pytest.param({"VCAP_SERVICES": bound({"password": "s3cret"})}, "VCAP_SERVICES", id="no host"),
        pytest.param({"VCAP_SERVICES": bound({"host": "s3cret"})}, "VCAP_SERVICES", id="no password"),
        pytest.param({"VCAP_SERVICES": bound({"uri": "http://s3cret"})}, "VCAP_SERVICES", id="a bound web address"),
        pytest.param({"VCAP_SERVICES_FILE_PATH": "/nowhere/s3cret"}, "VCAP_SERVICES", id="a file that is not there"),
        pytest.param({"PORT": "s3cret"}, "PORT", id="a port that is no number"),
        pytest.param({"PORT": "70000"}, "PORT", id="a port out of range"),
        pytest.param({"REQUEST_SECONDS": "10000000000"}, "REQUEST_SECONDS", id="more seconds than a timer can hold"),
        pytest.param({"JOB_DAYS": "99999999999999"}, "JOB_DAYS", id="more days than Redis can hold"),
        pytest.param({"SIGNING_SECRET": "s3cret\udcff" * 9}, "SIGNING_SECRET", id="bytes that are no UTF-8"),
        pytest.param({"DATA_DIR": "s3cret\0"}, "DATA_DIR", id="a path with an end in it"),
        pytest.param({**OPEN, "HOST": "s3cret\nx"}, "HOST", id="an address of two lines"),
        pytest.param({"PROMETHEUS_MULTIPROC_DIR": "/s3cret"}, "PROMETHEUS_MULTIPROC_DIR", id="no folder"),
        pytest.param({"TRAIN_MEMORY_MB": "1"}, "TRAIN_MEMORY_MB", id="too little memory"),
        pytest.param({"LEGACY_JSON_STRINGS": "s3cret"}, "LEGACY_JSON_STRINGS", id="a boolean that is none"),
        pytest.param({"SIGNING_SECRET": "s3cret"}, "SIGNING_SECRET", id="a short secret"),
        pytest.param({"API_KEYS": "s3cret"}, "API_KEYS", id="a key without a role"),
        pytest.param({"API_KEYS": "root:" + "a" * 64}, "API_KEYS", id="an unknown role"),
        pytest.param({"API_KEYS": "admin:s3cret"}, "API_KEYS", id="a key that is no digest"),
        pytest.param({"API_KEYS": "admin:" + "A" * 64}, "API_KEYS", id="a digest in capitals"),
        pytest.param({"REDIS_URL": "http://s3cret@host"}, "REDIS_URL", id="a Redis address of another scheme"),
        pytest.param({"REDIS_URL": "s3cret:6379"}, "REDIS_URL", id="a Redis address without a scheme"),
        pytest.param({**OPEN, "API_KEYS": ""}, "API_KEYS", id="beyond loopback without keys"),
        pytest.param({**OPEN, "SIGNING_SECRET": ""}, "SIGNING_SECRET", id="beyond loopback without a secret"),
        pytest.param({**OPEN, "HOST": "::", "API_KEYS": ""}, "API_KEYS", id="beyond loopback in IPv6"),
        pytest.param({**OPEN, "HOST": "automl.example", "API_KEYS": ""}, "API_KEYS", id="a host name without keys"),
        pytest.param({**OPEN, "SIGNING_SECRET": "s3cret" * 5}, "SIGNING_SECRET", id="31 characters"),
    ],
)
def test_what_is_wrong_is_refused_by_the_name_of_its_variable_and_never_its_value(environment, variable):
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment(environment)
    # It and no other, such as one whose default is made of it.
    assert re.findall(r"\b([A-Z_]{4,}): ", str(refusal.value)) == [variable]
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_loopback_neither_keys_nor_a_secret_are_needed(host):
    assert Settings.from_environment({"HOST": host}).on_loopback


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "127.0.0.1:9000"), ("localhost", "localhost:9000"), ("::1", "[::1]:9000")]
)
def test_what_is_listened_on_is_written_as_gunicorn_reads_it(host, address):
    settings = Settings.from_environment({"HOST": host, "PORT": "9000"})
    assert settings.address == address
    assert parse_address(settings.address) == (host, 9000)


def test_keys_are_kept_by_their_digest_and_separated_by_commas_or_spaces():
    one, two = digest("one"), digest("two")
    settings = Settings.from_environment({"API_KEYS": f"read:{one}, train:{two}"})
    assert settings.api_keys == {one: "read", two: "train"}


@pytest.mark.parametrize("namespace", ["", "~acme", "a:b", "a/b", "-a", "a" * 65, "ä"])
def test_a_namespace_of_which_a_key_or_a_path_could_be_made_is_refused(namespace):
    with pytest.raises(SettingsError, match="API_KEYS"):
        Settings.from_environment({"API_KEYS": f"read:{digest('one')}:{namespace}"})


def test_without_a_redis_the_web_application_says_how_to_get_one():
    with pytest.raises(SettingsError, match="REDIS_URL"):
        create_app(Settings.from_environment({}))


def test_every_field_says_what_it_is():
    assert all(field.description for field in Settings.model_fields.values())
