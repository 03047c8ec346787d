"""Requests that are none of ours: other conversations, organisations, versions and payloads."""

from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select

from bot.agenda.actions import ActionName
from bot.db import schema
from bot.phases.permissions import IN_A_DIRECT_MESSAGE
from bot.slack.app import NOT_INSTALLED_TEXT
from bot.slack.inputs import UNKNOWN_TEXT
from tests.harness import ANA, BEN, CHIARA, EXTERNAL, LAUNCH, PARTNER, BotHarness
from tests.scenarios.lead import CLEAR, Lead, count, shown
from tests.scenarios.requests import (
    JSON,
    PRESSED,
    SUBMITTED,
    VIEW,
    form,
    post_and_read,
    refused_signature_count,
    signed,
)


@pytest.mark.parametrize(
    "words", ["", "status", "budget", "start results 2w", "poll", "extend", "end"]
)
@pytest.mark.parametrize("kind", ["direct", "group"])
async def test_commands_about_phases_are_refused_in_direct_messages(
    harness: BotHarness, words: str, kind: str
) -> None:
    ana = harness.slack.as_user(ANA)
    await ana.open_home()
    direct = ana.direct_message
    assert direct is not None
    place = harness.slack.open_group_message(ANA, BEN, CHIARA) if kind == "group" else direct

    answer = await ana.command(f"/imbalance {words}", place.id)

    assert answer.text == IN_A_DIRECT_MESSAGE
    assert ana.top_view is None
    assert (await ana.command("/imbalance help", place.id)).status == 200


async def test_form_is_refused_where_only_the_missing_scope_tells_of_a_group_message(
    harness: BotHarness, ana: Lead
) -> None:
    """Slack may give a group message another name; and a draft may be of such a conversation."""
    group = harness.slack.open_group_message(ANA, BEN, CHIARA)
    group.name = "plans"
    assert await ana.types("results 2w", group.id) == ""
    await harness.settle()

    assert shown(ana.blocks) == IN_A_DIRECT_MESSAGE
    harness.slack.faults.fail_next("views.update", error="not_found", times=2)
    await ana.types("results 2w", group.id)
    errors = await ana.sends(**CLEAR)
    assert [*errors.values()] == [IN_A_DIRECT_MESSAGE]


@pytest.mark.parametrize("own_team", [False, True])
async def test_outsider_who_presses_a_button_reads_one_sentence_of_ours(
    harness: BotHarness, ana: Lead, own_team: bool
) -> None:
    await ana.starts(channel_id=PARTNER)
    harness.slack.faults.outsiders_own_team = own_team
    outsider = harness.slack.as_user(EXTERNAL)
    for action in ("phase.my_part", "phase.concern"):
        before = len(outsider.ephemerals(PARTNER))
        answer = await outsider.click(action, channel=PARTNER)
        await harness.settle()

        assert answer.status == 200
        told = [message["text"] for message in outsider.ephemerals(PARTNER)[before:]]
        assert len(told) == 1
        assert "reinstall" not in told[0]
        if own_team:
            assert told == [NOT_INSTALLED_TEXT]
        assert outsider.top_view is None


OLD_SHORTCUT = {
    "type": "message_action",
    "callback_id": "imbalance.old",
    "trigger_id": "1.2.3",
    "channel": {"id": LAUNCH, "name": "launch"},
    "message": {"type": "message", "ts": "1700000000.000100", "text": "Dark mode?"},
}
WHO = {"team": PRESSED["team"], "user": PRESSED["user"]}
FOREIGN = {"team": {"id": "T0OTHER"}, "user": {"id": "U9", "team_id": "T0OTHER"}}
OTHER_TEAM = {**VIEW, "team_id": "T0OTHER", "app_installed_team_id": "T0OTHER"}


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({**PRESSED, "actions": [{"action_id": "old"}]}, UNKNOWN_TEXT),
        ({**WHO, **OLD_SHORTCUT}, UNKNOWN_TEXT),
        ({**WHO, **OLD_SHORTCUT, "type": "shortcut"}, UNKNOWN_TEXT),
        ({**WHO, **OLD_SHORTCUT, "callback_id": None}, UNKNOWN_TEXT),
        ({**WHO, "type": "interactive_message", "callback_id": "x", "actions": [{}]}, UNKNOWN_TEXT),
        ({**WHO, "type": "dialog_submission", "callback_id": "x"}, UNKNOWN_TEXT),
        ({**PRESSED, **FOREIGN}, NOT_INSTALLED_TEXT),
        ({**FOREIGN, **OLD_SHORTCUT}, NOT_INSTALLED_TEXT),
    ],
    ids=str,
)
async def test_unknown_interaction_is_acknowledged_with_one_sentence_of_ours(
    harness_over_http: BotHarness, payload: dict[str, Any], text: str
) -> None:
    slack, workspace = harness_over_http.slack, harness_over_http.slack.workspace
    path = slack.core.tickets.issue(BEN, LAUNCH)
    body = form({**payload, "response_url": slack.url + path})

    status, answer = await post_and_read(harness_over_http, body, signed(body))

    assert (status, answer) in ((200, ""), (200, "{}"))
    told = [message["text"] for message in workspace.conversations[LAUNCH].ephemerals]
    assert told == [text]


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({**SUBMITTED, "view": {**VIEW, "callback_id": "old"}}, UNKNOWN_TEXT),
        ({**SUBMITTED, "view": {**VIEW, "callback_id": "old", "blocks": []}}, UNKNOWN_TEXT),
        ({**SUBMITTED, **FOREIGN, "view": OTHER_TEAM}, NOT_INSTALLED_TEXT),
        ({**WHO, "type": "block_suggestion", "action_id": "x", "value": "y"}, '{"options": []}'),
    ],
    ids=["input", "no input", "another workspace", "menu"],
)
async def test_unknown_form_or_menu_is_answered_in_its_place(
    harness_over_http: BotHarness, payload: dict[str, Any], told: str
) -> None:
    body = form(payload)
    status, answer = await post_and_read(harness_over_http, body, signed(body))

    assert status == 200
    assert told.split(":", maxsplit=1)[-1].strip()[:40] in answer


async def test_shortcut_without_a_response_url_is_answered_by_a_form(
    harness: BotHarness,
) -> None:
    trigger_id = harness.slack.core.triggers.issue(BEN)
    await harness.slack.interact(
        {**WHO, "type": "shortcut", "callback_id": "old", "trigger_id": trigger_id}
    )
    view = harness.slack.as_user(BEN).top_view

    assert view is not None
    assert shown(view["blocks"]) == UNKNOWN_TEXT


async def test_event_of_another_workspace_is_acknowledged_once(
    harness_over_http: BotHarness,
) -> None:
    event = {"type": "channel_archive", "channel": LAUNCH}
    body = (
        b'{"type": "event_callback", "team_id": "T0OTHER", "event_id": "Ev1", "event_time": 1, '
        b'"event": {"type": "channel_archive", "channel": "%s"}}' % event["channel"].encode()
    )
    assert (await post_and_read(harness_over_http, body, signed(body), JSON))[0] == 200


async def test_unsigned_certificate_check_is_answered_and_not_counted(
    harness_over_http: BotHarness,
) -> None:
    before = refused_signature_count()
    answered = requests_counted()

    assert (await harness_over_http.slack.check_certificate()).status == 200
    assert refused_signature_count() == before
    assert requests_counted() == answered


async def test_dropped_events_are_counted_and_caught_up_on_over_a_socket(
    harness: BotHarness,
) -> None:
    await assert_dropped_events_are_caught_up_on(harness)


async def test_dropped_events_are_counted_and_caught_up_on_over_http(
    harness_over_http: BotHarness,
) -> None:
    await assert_dropped_events_are_caught_up_on(harness_over_http)


async def assert_dropped_events_are_caught_up_on(harness: BotHarness) -> None:
    await harness.settle()
    assert await catch_ups(harness) == []
    before = REGISTRY.get_sample_value("imbalance_limited_events_total") or 0

    assert (await harness.slack.report_rate_limit()).status == 200
    assert REGISTRY.get_sample_value("imbalance_limited_events_total") == before + 1
    assert len(await catch_ups(harness)) == 1


async def catch_ups(harness: BotHarness) -> list[Any]:
    agenda = schema.agenda
    async with harness.bot.db.reading() as reader:
        rows = await reader.scalars(
            select(agenda.c.due_at).where(agenda.c.action == ActionName.CATCH_UP)
        )
        return list(rows)


def requests_counted() -> float:
    kinds = ("event", "person")
    name = "imbalance_request_seconds_count"
    return sum(REGISTRY.get_sample_value(name, {"kind": kind}) or 0 for kind in kinds)


@pytest.mark.parametrize("action_id", ["phases.start", "home.opt_out", "rounds.do_not_ask"])
async def test_button_of_a_form_that_carries_no_channel_stores_nothing(
    harness_over_http: BotHarness, action_id: str
) -> None:
    pressed = {**PRESSED, "container": {"type": "view", "view_id": "V1"}}
    del pressed["channel"]
    pressed["view"] = {**VIEW, "private_metadata": f"C{'X' * 400}"}
    pressed["actions"] = [{"action_id": action_id, "block_id": "b", "value": f"C{'X' * 400}"}]
    body = form(pressed)

    status, _ = await post_and_read(harness_over_http, body, signed(body))
    await harness_over_http.settle()

    assert status == 200
    assert await count(harness_over_http, schema.phase_drafts) == 0
    assert await count(harness_over_http, schema.channel_optouts) == 0
