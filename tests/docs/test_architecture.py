"""The architecture and delivery pages agree with the code: packages, states, errors."""

import re

import pytest

from bot.channel_health import failure_policy
from bot.db import schema
from bot.outbox.enqueue import State
from tests.docs.reading import ROOT, first_cells, section, text

PAGE = "docs/architecture.md"


def drawn_states(title: str) -> set[str]:
    """The states of the diagram in this section."""
    (diagram,) = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", section(PAGE, title), re.S)
    ends = re.findall(r"^ *(\S+) --> ([^\s:]+)", diagram, re.M)
    return {state for pair in ends for state in pair} - {"[*]"}


def stored_states(table: str) -> set[str]:
    """The states that the table's constraint allows."""
    (constraint,) = (
        each
        for each in schema.metadata.tables[table].constraints
        if str(each.name).endswith("_state")
    )
    return set(re.findall(r"'(\w+)'", str(constraint.sqltext)))  # type: ignore[attr-defined]


def refusals() -> list[str]:
    """Every error of Slack's that the failure policy names."""
    return sorted(
        {
            *failure_policy.PAUSE_REASONS,
            *failure_policy.UNREACHABLE,
            *failure_policy.TARGET_MISSING,
            *failure_policy.NO_REPLIES,
            *failure_policy.MALFORMED,
            *failure_policy.MISSING_PERMISSION,
        }
    )


def test_message_diagram_shows_every_state():
    assert drawn_states("A message") == {state.value for state in State}
    assert drawn_states("A message") == stored_states("messages")


def test_round_diagram_shows_every_state():
    assert drawn_states("A round") == stored_states("rounds") | {"planned"}


def test_phase_diagram_shows_every_state():
    assert drawn_states("A phase") == stored_states("phases") | {"draft", "paused"}


def test_package_table_lists_every_package():
    packages = {path.parent.name for path in (ROOT / "bot").glob("*/__init__.py")}

    assert set(first_cells(section(PAGE, "Packages"))) == packages


def test_every_dependency_is_justified():
    listed = text("pyproject.toml").split("dependencies = [")[1].split("]\n")[0]
    names = re.findall(r'"([A-Za-z0-9-]+)(?:\[\w+\])?==', listed)

    assert first_cells(section(PAGE, "Why each dependency")) == names


@pytest.mark.parametrize("error", refusals())
def test_delivery_page_explains_every_refusal(error: str):
    assert f"`{error}`" in section("docs/delivery.md", "When Slack refuses a message")
