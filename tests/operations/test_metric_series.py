"""A bot that has just started exposes every series that alerts and dashboard query."""

import inspect
import re
from collections.abc import AsyncIterator
from math import isnan
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from bot import metrics
from bot.clock import Clock
from bot.operations.metric_series import KNOWN, OPEN
from bot.playground.server import FakeSlack
from tests.conftest import MANIFEST
from tests.docs.reading import text
from tests.operations.test_process import free_port
from tests.outages.bot_process import environment, started_bot

#: A metric in a query, with its label matchers.
SELECTOR = re.compile(r"\b(imbalance_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
#: Labels whose values are Grafana variables.
VARIABLES = ("job", "instance")


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(text("deploy/alerts.yaml"))["groups"]
    return list(group["rules"])


def queries() -> list[str]:
    panels = yaml.safe_load(text("deploy/grafana.json"))["panels"]
    shown = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    return shown + [rule["expr"] for rule in rules()]


def selectors(query: str) -> list[tuple[str, list[tuple[str, str, str]]]]:
    return [(name, MATCHER.findall(labels)) for name, labels in SELECTOR.findall(query)]


def matches(sample: Sample, matchers: list[tuple[str, str, str]]) -> bool:
    for label, how, value in matchers:
        if label in VARIABLES:
            continue
        found = sample.labels[label]
        same = re.fullmatch(value, found) is not None if "~" in how else found == value
        if same == how.startswith("!"):
            return False
    return True


@pytest.fixture
async def just_started(database_url: str, tmp_path: Path) -> AsyncIterator[list[Sample]]:
    """The samples of a process in which nothing has happened yet."""
    slack, port = FakeSlack(clock=Clock().now, manifest=MANIFEST), free_port()
    await slack.start()
    environ = environment(database_url, slack, METRICS_PORT=str(port))
    async with started_bot(tmp_path, environ), ClientSession() as http:
        async with http.get(f"http://127.0.0.1:{port}/metrics") as response:
            body = await response.text()
        yield [
            sample for family in text_string_to_metric_families(body) for sample in family.samples
        ]
    await slack.stop()


async def test_every_series_with_known_labels_is_there(just_started: list[Sample]) -> None:
    open_names = {metric._name for metric in OPEN}
    for query in queries():
        for name, matchers in selectors(query):
            if name.removesuffix("_total") in open_names:
                continue
            assert any(
                sample.name == name and matches(sample, matchers) for sample in just_started
            ), (name, matchers)


async def test_counters_begin_at_zero(just_started: list[Sample]) -> None:
    counters = {f"{metric._name}_total" for metric, _ in KNOWN if isinstance(metric, Counter)}
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for sample in just_started
        if sample.name in counters
    }

    assert {name for name, *_ in values} == counters
    assert values["imbalance_malformed_messages_total", "post"] == 0
    assert values["imbalance_deliveries_total", "pin", "failed"] == 0
    assert values["imbalance_database_failures_total", "unreachable"] == 0
    assert values["imbalance_agenda_actions_total", "ask", "failed"] == 0


async def test_gauges_have_no_value_before_they_are_measured(just_started: list[Sample]) -> None:
    held = [sample.value for sample in just_started if sample.name == "imbalance_open_messages"]

    assert held
    assert all(value == 0 or isnan(value) for value in held)


def test_each_labelled_metric_is_created_or_named_as_open() -> None:
    labelled = {
        metric._name
        for _, metric in inspect.getmembers(metrics)
        if isinstance(metric, Counter | Gauge | Histogram) and metric._labelnames
    }

    assert {metric._name for metric, _ in KNOWN} | {metric._name for metric in OPEN} == labelled
    assert all(len(values) == len(metric._labelnames) for metric, values in KNOWN)
