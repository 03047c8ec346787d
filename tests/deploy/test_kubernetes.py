"""The manifests for Kubernetes are valid, and agree with the image and the settings."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot import __version__, settings
from tests.docs.reading import ROOT, text

FOLDER = ROOT / "deploy" / "kubernetes"
#: The oldest supported release, and the newest that the validator knows.
VERSIONS = ("1.34", "1.37")
MANIFESTS = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml")


def manifest(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return loaded


def pod(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = manifest(name)["spec"]["template"]["spec"]
    return spec


def container(name: str) -> dict[str, Any]:
    (only,) = pod(name)["containers"]
    return dict(only)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_each_manifest_is_valid(path: Path, version: str):
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        assert kubernetes_validate.validate(document, version, strict=True) == version


def test_kustomization_lists_every_manifest_but_the_secret():
    listed = manifest("kustomization.yaml")["resources"]

    assert sorted(listed) == sorted(
        path.name for path in MANIFESTS if not path.name.startswith("secret")
    )


def test_image_tag_is_this_version():
    (image,) = manifest("kustomization.yaml")["images"]

    assert image["newTag"] == __version__
    assert {container("deployment.yaml")["image"], container("migrate.yaml")["image"]} == {
        image["name"]
    }


def test_manifests_set_only_existing_settings():
    own = {variable["name"] for variable in container("deployment.yaml")["env"]}
    given = {*manifest("settings.yaml")["data"], *own}
    secret = manifest("secret.example.yaml")["stringData"]

    assert {*given, *secret} <= set(settings.names())
    assert not given & secret.keys()
    assert settings.load(manifest("settings.yaml")["data"]).http_port == 3000


def test_secret_example_has_every_required_setting():
    secret = manifest("secret.example.yaml")["stringData"]
    needed = settings.Settings().missing_to_run(http=True)

    assert {sentence.split()[0] for sentence in needed} <= secret.keys()
    assert "DATABASE_URL" in secret


@pytest.mark.parametrize("name", ["deployment.yaml", "migrate.yaml"])
def test_containers_are_hardened(name: str):
    spec, only = pod(name), container(name)
    (user,) = re.findall(r"^USER (\d+):\d+$", text("Dockerfile"), re.M)

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == int(user)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"requests", "limits"} == only["resources"].keys()
    (tmp,) = (volume for volume in spec["volumes"] if volume["name"] == "tmp")
    assert "emptyDir" in tmp


def test_probes_use_the_metrics_port():
    bot = container("deployment.yaml")
    ports = {port["name"]: port["containerPort"] for port in bot["ports"]}
    given = manifest("settings.yaml")["data"]

    assert ports == {"http": int(given["HTTP_PORT"]), "metrics": int(given["METRICS_PORT"])}
    assert bot["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
    for probe in ("livenessProbe", "startupProbe"):
        assert bot[probe]["httpGet"] == {"path": "/healthz", "port": "metrics"}


def test_rolling_update_keeps_replicas_available():
    deployment = manifest("deployment.yaml")["spec"]
    pause = int(container("deployment.yaml")["lifecycle"]["preStop"]["exec"]["command"][1])

    assert deployment["replicas"] >= 2
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert pod("deployment.yaml")["terminationGracePeriodSeconds"] >= pause + 10
    assert manifest("disruption-budget.yaml")["spec"]["minAvailable"] < deployment["replicas"]


def test_service_and_budget_select_only_bot_pods():
    selector = manifest("deployment.yaml")["spec"]["selector"]["matchLabels"]
    labels = {
        name: manifest(name)["spec"]["template"]["metadata"]["labels"]
        for name in ("deployment.yaml", "migrate.yaml")
    }

    assert labels["deployment.yaml"] == selector != labels["migrate.yaml"]
    assert manifest("service.yaml")["spec"]["selector"] == selector
    assert manifest("disruption-budget.yaml")["spec"]["selector"]["matchLabels"] == selector


def test_round_keys_are_on_a_shared_volume():
    claim = manifest("round-keys.yaml")
    (volume,) = (v for v in pod("deployment.yaml")["volumes"] if v["name"] == "round-keys")
    bot = container("deployment.yaml")
    (mount,) = (m for m in bot["volumeMounts"] if m["name"] == "round-keys")

    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert bot["env"] == [{"name": "ROUND_KEYS_DIR", "value": mount["mountPath"]}]
