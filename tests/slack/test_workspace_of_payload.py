"""Which workspace a payload belongs to; apps of an organisation are often not told directly."""

from typing import Any

import pytest

from bot.slack.payloads import bolt_request
from tests.scenarios.requests import PRESSED, PRESSED_IN_VIEW, SUBMITTED, TYPED, event_callback

ORG_WIDE: dict[str, Any] = {
    "team": None,
    "enterprise": {"id": "E1", "name": "Group"},
    "is_enterprise_install": True,
}
OF_ORG = {"enterprise_id": "E1", "team_id": None, "is_enterprise_install": True}


def person(team_id: str) -> dict[str, Any]:
    return {"user": {"id": "U0BEN", "team_id": team_id}}


def event(**changes: Any) -> dict[str, Any]:
    """Return an event of an organisation's app; None takes a field away."""
    body = event_callback("app_home_opened") | {"authorizations": [OF_ORG], **changes}
    return {name: value for name, value in body.items() if value is not None}


CASES: dict[str, tuple[dict[str, Any], str | None]] = {
    "command": (TYPED | {"enterprise_id": "E1", "is_enterprise_install": "true"}, "T0PLAY"),
    "the person's": (PRESSED | ORG_WIDE | person("T2") | {"message": {"ts": "1.2"}}, "T2"),
    "our message's": (PRESSED | ORG_WIDE | person("T2") | {"message": {"team": "T1"}}, "T1"),
    "no workspace's": (PRESSED | ORG_WIDE | person("E1") | {"message": {"team": "E1"}}, None),
    "the view's": (
        SUBMITTED
        | ORG_WIDE
        | person("T2")
        | {"view": SUBMITTED["view"] | {"team_id": "T1", "app_installed_team_id": "E1"}},
        "T1",
    ),
    "an event's": (event(team_id="T1"), "T1"),
    "where we are of an event": (event(team_id="T9", context_team_id="T1"), "T1"),
    "an event of the organisation": (event(team_id=None), None),
    "an event with the organisation in place": (event(team_id="E1"), None),
    "one workspace's own": (PRESSED | person("T2") | {"message": {"team": "T3"}}, "T0PLAY"),
    "of a workspace's own app": (PRESSED_IN_VIEW | person("T2"), "T0PLAY"),
}


@pytest.mark.parametrize(("body", "expected"), CASES.values(), ids=CASES.keys())
def test_workspace_of_a_payload(body: dict[str, Any], expected: str | None) -> None:
    assert bolt_request(body, mode="http").context.team_id == expected
