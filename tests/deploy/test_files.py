"""What deploy/ says fits the program: its options, settings, addresses, limits and pinned packages."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from snapshelf import __version__
from snapshelf.cli import app as command_line
from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.web.connections import LAST_REQUESTS_S
from snapshelf.web.server import DRAIN_S
from snapshelf.wiring import open_shelf
from tests.deploy.conftest import ROOT
from tests.tiny_store import build_tiny_store

DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
UNIT = (DEPLOY / "systemd/snapshelf@.service").read_text("utf-8")
NGINX = (DEPLOY / "nginx/snapshelf.conf").read_text("utf-8")
OBJECTS: list[dict[str, Any]] = [
    each for path in sorted(DEPLOY.glob("kubernetes/*.yaml")) for each in yaml.safe_load_all(path.read_text("utf-8"))
]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in OBJECTS if each["kind"] == kind}


def pods() -> dict[str, dict[str, Any]]:
    return {name: each["spec"]["template"]["spec"] for name, each in of_kind("Deployment").items()}


def containers() -> Iterator[Any]:
    for name, pod in pods().items():
        for each in (*pod.get("initContainers", []), *pod["containers"]):
            yield pytest.param(each, id=f"{name}, {each['name']}")


def instructions() -> list[tuple[str, str]]:
    lines = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)).splitlines()
    return [(first, rest) for first, _, rest in (line.partition(" ") for line in lines) if first]


def of_last_stage(name: str) -> list[str]:
    last = max(at for at, (first, _) in enumerate(instructions()) if first == "FROM")
    return [rest for first, rest in instructions()[last:] if first == name]


def pinned(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in (ROOT / "requirements" / lock).read_text("utf-8").splitlines():
        name, _, version = line.partition(" ;")[0].partition("==")
        found.setdefault(name, set()).add(version)
    return found


def commands() -> dict[str, list[str]]:
    """Every command line of snapshelf that is written in deploy/."""
    written = {"Dockerfile": yaml.safe_load(of_last_stage("CMD")[0])}
    (start,) = re.findall(r"^ExecStart=\S+/snapshelf (.+)$", UNIT, re.MULTILINE)
    written["systemd"] = shlex.split(start.replace("%i", "8001"))
    for param in containers():
        written[f"kubernetes, {param.id}"] = param.values[0]["args"]
    for number, line in enumerate(
        re.findall(r"^#.* run --rm .* serve (.+)$", (DEPLOY / "compose.yaml").read_text(), re.MULTILINE)
    ):
        written[f"compose, {number}"] = shlex.split(line)
    return written


@pytest.mark.parametrize("written", commands().values(), ids=commands().keys())
def test_commands_and_options_are_those_of_the_program(written: list[str]) -> None:
    command, *arguments = written
    help_text = CliRunner().invoke(command_line, [command, "--help"], env={"COLUMNS": "200"}).output
    for option in (each for each in arguments if each.startswith("--")):
        assert re.search(rf"{option}\b", help_text), f"{command} has no {option}"


def test_settings_are_those_of_the_program() -> None:
    known = {f"SNAPSHELF_{name.upper()}" for name in Settings.model_fields}
    written = {name for path in FILES for name in re.findall(r"\bSNAPSHELF_[A-Z_]+[A-Z]", path.read_text("utf-8"))}
    assert written
    assert written <= known
    Settings(**{  # values that it takes
        name.removeprefix("SNAPSHELF_").lower(): value
        for name, value in of_kind("ConfigMap")["snapshelf"]["data"].items()
        if name.startswith("SNAPSHELF_")
    })  # fmt: skip


def test_addresses_are_answered(tmp_path: Path) -> None:
    probed = {
        probe["httpGet"]["path"] for pod in pods().values() for each in pod["containers"]
        for name, probe in each.items() if name.endswith("Probe")
    } | set(re.findall(r"127\.0\.0\.1:8000(/\w+)", DOCKERFILE))  # fmt: skip
    assert probed == {"/readyz", "/healthz"}
    store, settings = build_tiny_store(tmp_path), Settings(threads=1)
    with TestClient(create_app(open_shelf(store, settings), settings, store)) as client:
        known = client.get("/openapi.json").json()["paths"]
        assert {client.get(path).status_code for path in probed} == {200}
    named = set(re.findall(r"location = (\S+)", NGINX)) | {"/api/v1/feedback"}
    assert named <= known.keys()


def test_ports_agree() -> None:
    assert of_last_stage("EXPOSE") == ["8000"]
    assert COMPOSE["services"]["serve"]["ports"] == ["127.0.0.1:8000:8000"]
    for pod in pods().values():
        (serve,) = pod["containers"]
        assert serve["ports"] == [{"name": "http", "containerPort": 8000}]
    for name, written in commands().items():
        if "serve" in written:
            port = dict(pairwise(written))["--port"]
            assert port == ("8001" if name == "systemd" else "8000")
    assert [port for port in ("8001", "8002") if f"server 127.0.0.1:{port} " in NGINX] == ["8001", "8002"]


def test_nobody_is_root_and_only_the_store_is_written() -> None:
    assert of_last_stage("USER") == ["10001:10001"]
    assert not [line for line in of_last_stage("RUN") if "sudo" in line]
    for service in COMPOSE["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    for pod in pods().values():
        assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
        assert pod["automountServiceAccountToken"] is False
    for line in ("User=snapshelf", "ProtectSystem=strict", "NoNewPrivileges=yes", "StateDirectory=snapshelf"):
        assert line in UNIT.splitlines()


@pytest.mark.parametrize("container", list(containers()))
def test_containers_may_do_nothing_but_their_work(container: dict[str, Any]) -> None:
    allowed = container["securityContext"]
    assert allowed["readOnlyRootFilesystem"] is True
    assert allowed["allowPrivilegeEscalation"] is False
    assert allowed["capabilities"] == {"drop": ["ALL"]}
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert "memory" in container["resources"]["limits"]
    assert {"/store", "/tmp"} <= {each["mountPath"] for each in container["volumeMounts"]}


def test_there_is_time_to_answer_what_is_under_way() -> None:
    ending_s = DRAIN_S + LAST_REQUESTS_S
    for pod in pods().values():
        (serve,) = pod["containers"]
        waits_s = int(serve["lifecycle"]["preStop"]["exec"]["command"][1])
        assert pod["terminationGracePeriodSeconds"] > ending_s + waits_s
    assert int(COMPOSE["services"]["serve"]["stop_grace_period"].rstrip("s")) > ending_s
    assert int(re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)[0]) > ending_s


def test_the_largest_photo_passes_the_proxies() -> None:
    most = Settings().max_upload_bytes
    ingress = of_kind("Ingress")["snapshelf"]["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
    for size in (ingress, *re.findall(r"client_max_body_size (\w+);", NGINX)):
        assert int(size.removesuffix("m")) * 2**20 > most


def test_objects_belong_together() -> None:
    labels = {name: each["spec"]["template"]["metadata"]["labels"] for name, each in of_kind("Deployment").items()}
    for kind in ("Service", "PodDisruptionBudget"):
        for name, each in of_kind(kind).items():
            chosen = each["spec"]["selector"]
            assert chosen.get("matchLabels", chosen) == labels[name]
    assert of_kind("HorizontalPodAutoscaler")["snapshelf"]["spec"]["scaleTargetRef"]["name"] in labels
    for rule in of_kind("Ingress")["snapshelf"]["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            assert path["backend"]["service"]["name"] in of_kind("Service")
    for name, pod in pods().items():
        volumes = {each["name"] for each in pod["volumes"]}
        for each in (*pod.get("initContainers", []), *pod["containers"]):
            assert {mount["name"] for mount in each["volumeMounts"]} <= volumes
        mounts = {mount["mountPath"]: mount.get("readOnly", False) for mount in pod["containers"][0]["volumeMounts"]}
        assert mounts["/store"] is (name == "snapshelf")  # the others read only


def test_versions_are_pinned_and_agree() -> None:
    images = {each.values[0]["image"] for each in containers()} | {COMPOSE["services"]["serve"]["image"]}
    assert images == {f"snapshelf:{__version__}"}
    assert f"--tag snapshelf:{__version__}" in DOCKERFILE
    (client,) = pinned("serve.lock")["qdrant-client"]
    assert COMPOSE["services"]["qdrant"]["image"] == f"qdrant/qdrant:v{client}-unprivileged"
    bases = [rest.split()[0] for first, rest in instructions() if first == "FROM"]
    assert set(bases) == {"python:${PYTHON}-slim-bookworm"}


def test_the_serving_lock_is_part_of_the_others_without_torch() -> None:
    serving, everything = pinned("serve.lock"), pinned("dev.lock")
    assert not {"torch", "torchvision", "timm", "scikit-learn", "onnx", "pillow-heif"} & serving.keys()
    assert {"onnxruntime", "openvino", "qdrant-client", "qdrant-edge-py", "uvicorn"} <= serving.keys()
    assert {name: everything.get(name) for name in serving} == serving


def test_the_image_is_built_from_what_the_ignore_file_lets_through() -> None:
    let_through = [
        line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    ]  # fmt: skip
    copied = [
        part for first, rest in instructions() if first == "COPY" and "--from" not in rest for part in rest.split()[:-1]
    ]
    for path in copied:
        assert (ROOT / path).exists()
        assert any(fnmatch(path, kept) for kept in let_through)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "snapshelf@8001.service"
    unit.write_text(UNIT.replace("/opt/snapshelf/bin/snapshelf", "/bin/true"), "utf-8")
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert [line for line in found.stderr.splitlines() if "snapshelf" in line] == []
