"""The audit log as admins see it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.playground.fake_slack.checks import check_view
from bot.workspaces import audit_log
from bot.workspaces.store import AuditEntry
from tests.harness import ANA

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def entry(action: str, subject: str = "x", before: Any = None, after: Any = None) -> AuditEntry:
    return AuditEntry(
        workspace_id="T1",
        at=AT,
        actor_id="operator" if action == "message" else ANA,
        action=action,
        subject=subject,
        before=before,
        after=after,
    )


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (
            entry("settings", "budget_percent", 33, 40),
            f"<@{ANA}> changed the setting “Share of 90 days in results sprints, in percent”: "
            "33 → 40",
        ),
        (entry("settings", "starters", [ANA], None), '["U0ANA"] → default'),
        (
            entry("start_phase", after={"channel": "C1", "kind": "sprint"}),
            f"<@{ANA}> started a phase (channel C1, kind sprint)",
        ),
        (entry("wrap_up"), f"<@{ANA}> wrapped a phase up"),
        (
            entry("message", "m1", {"state": "held"}, {"decision": "drop"}),
            "an operator decided about a message (state held → decision drop)",
        ),
        (entry("unheard_of", after="<!channel>"), "did “unheard_of” (&lt;!channel&gt;)"),
    ],
)
def test_entry_says_who_did_what(one: AuditEntry, expected: str) -> None:
    assert expected in str(audit_log.build([one]).to_dict())


def test_longest_log_fits_and_names_the_command_for_older_entries() -> None:
    longest = entry("settings", "questions", before="&" * 4000, after="&" * 4000)

    view = audit_log.build([longest] * (audit_log.MOST_ENTRIES + 1)).to_dict()

    assert check_view(view) == []
    assert "`imbalance audit`" in str(view)


def test_empty_log_says_so() -> None:
    assert audit_log.NONE in str(audit_log.build([]).to_dict())
