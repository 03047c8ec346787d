"""The rules for Prometheus, by promtool: well-formed, and each fires when it should."""

import subprocess

import pytest
import yaml

from tests.docs.reading import ROOT, text

RULES = yaml.safe_load(text("deploy/alerts.yaml"))["groups"][0]["rules"]
CASES = text("deploy/alerts.test.yaml")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT / "deploy", capture_output=True, text=True, check=False)


def test_the_rules_are_well_formed(promtool: str):
    told = run(promtool, "check", "rules", "alerts.yaml")

    assert told.returncode == 0, told.stdout + told.stderr


def test_each_rule_fires_when_it_should_and_for_that_bot_alone(promtool: str):
    told = run(promtool, "test", "rules", "alerts.test.yaml")

    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("name", [rule["alert"] for rule in RULES])
def test_each_rule_is_tested(name: str):
    assert f'alertname="{name}", alertstate="firing"' in CASES
