"""The Prometheus rules, checked and unit-tested by promtool."""

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


def test_rule_unit_tests_pass(promtool: str):
    told = run(promtool, "test", "rules", "alerts.test.yaml")

    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("name", [rule["alert"] for rule in RULES])
def test_every_rule_has_a_unit_test(name: str):
    assert f'alertname="{name}", alertstate="firing"' in CASES
