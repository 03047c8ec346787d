"""The dashboard, the alerts, the metrics page and the runbook cover exactly what exists."""

import inspect
import json
import re
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram, Info

from bot import metrics
from bot.operations import workspace_states
from bot.operations.outbox_arguments import DEFAULT_STATES, STATES
from bot.operations.readiness import CHECKS, MAX_AGENDA_LAG, MAX_OUTBOX_LAG
from bot.outbox.enqueue import State
from tests.docs.reading import anchors, code, first_cells, pages, section, text

RUNBOOK = "docs/runbook.md"
#: Words of PromQL and Grafana, not our metrics.
NOT_OURS = {"imbalance"}
SUFFIXES = {Counter: ("_total",), Histogram: ("_bucket", "_sum", "_count"), Gauge: ("",)}


def exposed() -> dict[str, tuple[str, ...]]:
    """Every metric by its Prometheus name, with its labels; histograms without a suffix."""
    found = {}
    for _, metric in inspect.getmembers(metrics):
        if isinstance(metric, Counter | Gauge | Histogram):
            total = "_total" if isinstance(metric, Counter) else ""
            found[f"{metric._name}{total}"] = tuple(metric._labelnames)
    return found


def samples() -> set[str]:
    """Every name that a query may use."""
    names: set[str] = set()
    for _, metric in inspect.getmembers(metrics):
        for kind, suffixes in SUFFIXES.items():
            if isinstance(metric, kind):
                names |= {f"{metric._name}{suffix}" for suffix in suffixes}
    return names


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text("deploy/grafana.json"))
    return loaded


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(text("deploy/alerts.yaml"))["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def named_in(queries: str) -> set[str]:
    return set(re.findall(r"\bimbalance_[a-z_]+", queries)) - NOT_OURS


def described() -> dict[str, tuple[str, ...]]:
    """Info metrics, which queries join for their labels."""
    return {
        f"{metric._name}_info": tuple(metric._value)
        for _, metric in inspect.getmembers(metrics)
        if isinstance(metric, Info)
    }


def test_metrics_page_lists_every_metric_with_its_labels():
    rows = re.findall(r"^\| `(imbalance_\w+)` \|([^|]*)\|", text("docs/metrics.md"), re.M)
    shown = {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows}

    assert shown == exposed() | described()


def test_operating_page_names_existing_log_events():
    table = first_cells(section("docs/operating.md", "Logs"))
    logged = set(re.findall(r'log(?:\.\w+|_unless_database_failed)\(\s*"(\w+)"', code()))
    by_state = {f"message_{state.value}" for state in State}

    assert table
    assert set(table) <= logged | by_state


@pytest.mark.parametrize("page", pages())
def test_pages_use_prometheus_metric_names(page: str):
    named = set(re.findall(r"`(imbalance_\w+)`", text(page)))

    assert named <= exposed().keys() | described().keys()


def test_metric_names_end_in_their_unit():
    for _, metric in inspect.getmembers(metrics):
        if isinstance(metric, Histogram):
            assert metric._name.endswith("_seconds")
        if isinstance(metric, Gauge) and re.search("_age_|_lag_", metric._name):
            assert metric._name.endswith("_seconds")


def test_every_metric_is_used_in_the_code():
    names = [
        name
        for name, metric in inspect.getmembers(metrics)
        if isinstance(metric, Counter | Gauge | Histogram)
    ]

    assert [
        name for name in names if not re.search(rf"\b{name}\.(labels|inc|set|time)", code())
    ] == []


def test_dashboard_queries_every_metric_and_no_others():
    queries = "\n".join(target["expr"] for panel in panels() for target in panel["targets"])

    assert named_in(queries) <= samples()
    assert {name.removesuffix("_bucket") for name in named_in(queries)} == set(exposed())


def test_queries_use_existing_labels():
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    known = {"job", "instance", "le", *(label for labels in exposed().values() for label in labels)}
    for query in [*queries, *(rule["expr"] for rule in rules())]:
        filtered = set(re.findall(r'(\w+)\s*[=!]~?\s*"', query))
        grouped = {label for by in re.findall(r"by \(([^)]*)\)", query) for label in by.split(", ")}
        assert filtered | grouped <= known, query


def test_grafana_can_import_the_dashboard():
    found = dashboard()
    ids = [panel["id"] for panel in found["panels"]]
    variables = {variable["name"] for variable in found["templating"]["list"]}

    assert found["schemaVersion"] >= 36
    assert len(ids) == len(set(ids))
    assert {"datasource", "job", "instance"} == variables
    for panel in panels():
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["description"]
        position = panel["gridPos"]
        assert position["x"] + position["w"] <= 24
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_panels_do_not_overlap():
    occupied: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        position = panel["gridPos"]
        for x in range(position["x"], position["x"] + position["w"]):
            for y in range(position["y"], position["y"] + position["h"]):
                assert (x, y) not in occupied, panel["title"]
                occupied.add((x, y))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_alert_is_explained(rule: dict[str, Any]):
    assert named_in(rule["expr"]) or re.search(r"\bup\{job=", rule["expr"])
    assert named_in(rule["expr"]) <= samples()
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    file, anchor = rule["annotations"]["runbook_url"].split("#")
    assert file == RUNBOOK
    assert anchor in anchors(file)
    assert section(RUNBOOK, rule["alert"]).strip()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_alerts_aggregate_by_job_and_name_it(rule: dict[str, Any]):
    grouped = re.findall(r"\b(?:by|on) \(([^)]*)\)", rule["expr"])

    assert grouped
    assert all("job" in labels.split(", ") for labels in grouped)
    assert "$labels.job" in rule["annotations"]["summary"]


def test_dashboard_queries_filter_by_job():
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]

    assert [
        query for query in queries if query.count("imbalance_") != query.count('job="$job"')
    ] == []


def test_runbook_covers_exactly_the_alerts():
    written = re.findall(r"^### (Imbalance\w+)$", section(RUNBOOK, "When an alert fires"), re.M)

    assert written == [rule["alert"] for rule in rules()]


def test_alerts_and_readiness_agree():
    queries = {rule["alert"]: rule["expr"] for rule in rules()}

    assert queries["ImbalanceAgendaLate"].endswith(f"> {MAX_AGENDA_LAG.seconds}")
    assert queries["ImbalanceOutboxLate"].endswith(f"> {MAX_OUTBOX_LAG.seconds}")
    assert set(re.findall(r"\w+", queries["ImbalanceNotReady"])) & set(CHECKS)
    reasons = re.search(r'reason!~"([^"]+)"', queries["ImbalanceWorkspaceHalted"])
    assert reasons
    assert tuple(reasons[1].split("|")) == workspace_states.REMOVAL_REASONS


def test_outbox_command_knows_every_state():
    assert set(STATES) == {state.value for state in State}
    assert set(DEFAULT_STATES.split(",")) <= set(STATES)


def test_compose_starts_any_number_of_bots_after_one_migration():
    compose = text("compose.yaml")
    bot = compose.split("\n  bot:\n")[1].split("\n  db:\n")[0]
    migrate = compose.split("\n  migrate:\n")[1].split("\n  bot:\n")[0]

    assert "container_name" not in compose
    assert "service_completed_successfully" in bot
    assert "--migrate" not in bot
    assert "python -m bot migrate" in migrate
    published = re.findall(r'^ +- "([^"]+)"$', bot, re.M)
    assert published == ["127.0.0.1::9464"]  # a fixed host port would clash
