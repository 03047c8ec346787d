"""`/imbalance settings` for admins and everyone else; acknowledgement of other events."""

import json

from sqlalchemy import select

from bot.db import schema
from bot.playground.fake_slack.people import Person
from bot.playground.fake_slack.workspace_changes import wait_for_delivery
from bot.workspaces import settings_form, store
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import ANA, BEN, GUEST, LAUNCH, OWNER, WORKSPACE, BotHarness


def top_view_id(person: Person) -> str:
    view = person.top_view
    assert view is not None
    return str(view["id"])


async def settings_of(harness: BotHarness) -> WorkspaceSettings:
    async with harness.bot.db.reading() as reader:
        return await store.settings_of(reader, WORKSPACE)


async def test_admin_changes_settings_and_sees_what_was_saved(harness: BotHarness) -> None:
    admin = harness.slack.as_user(OWNER)
    await admin.command("/imbalance settings", LAUNCH)
    view = admin.top_view
    assert view is not None
    await admin.fill(view["id"], {"minimum_small": "5", "starters": [ANA, BEN]})
    submitted = await admin.submit(view["id"])

    assert submitted.errors == {}
    assert "Answers needed, teams of 4 to 7" in json.dumps(admin.top_view)
    assert await settings_of(harness) == WorkspaceSettings(minimum_small=5, starters=(ANA, BEN))
    async with harness.bot.db.reading() as reader:
        changes = await store.audit_of(reader, WORKSPACE)
    assert {(one.subject, one.actor_id) for one in changes} == {
        ("minimum_small", OWNER),
        ("starters", OWNER),
    }


async def test_invalid_settings_are_refused_at_their_fields(
    harness: BotHarness,
) -> None:
    admin = harness.slack.as_user(OWNER)
    await admin.command("/imbalance settings", LAUNCH)
    view = admin.top_view
    assert view is not None
    await admin.fill(view["id"], {"default_weeks": "8", "default_zone": "Lisbon"})
    submitted = await admin.submit(view["id"])

    assert set(submitted.errors) == {"default_weeks", "default_zone"}
    assert await settings_of(harness) == WorkspaceSettings()


async def test_admin_reads_the_audit_log_above_the_settings(harness: BotHarness) -> None:
    admin = harness.slack.as_user(OWNER)
    await admin.command("/imbalance settings", LAUNCH)
    await admin.fill(top_view_id(admin), {"minimum_small": "5", "default_zone": "Europe/Lisbon"})
    await admin.submit()
    await admin.close(everything=True)
    await admin.command("/imbalance settings", LAUNCH)
    await admin.click(settings_form.AUDIT)

    shown = json.dumps(admin.top_view, ensure_ascii=False)
    assert f"<@{OWNER}> changed the setting “Answers needed, teams of 4 to 7”: default → 5" in shown
    assert "“Time zone where Slack knows none”: default → Europe/Lisbon" in shown


async def test_person_who_is_no_admin_any_more_does_not_see_the_audit_log(
    harness: BotHarness,
) -> None:
    admin = harness.slack.as_user(OWNER)
    await admin.command("/imbalance settings", LAUNCH)
    harness.slack.change_user(OWNER, is_admin=False, is_owner=False)
    await harness.settle()
    await admin.click(settings_form.AUDIT)

    assert "Only workspace admins can see the audit log." in json.dumps(admin.top_view)


async def test_unchanged_settings_close_the_form(harness: BotHarness) -> None:
    admin = harness.slack.as_user(OWNER)
    await admin.command("/imbalance settings", LAUNCH)
    submitted = await admin.submit()

    assert submitted.errors == {}
    assert admin.top_view is None


async def test_questions_are_reworded_in_a_view_pushed_on_the_settings(harness: BotHarness) -> None:
    admin = harness.slack.as_user(OWNER)
    await admin.command("/imbalance settings", LAUNCH)
    await admin.click("workspaces.reword", view_id=(admin.top_view or {})["id"])
    view = admin.top_view
    assert view is not None
    assert view["callback_id"] == "workspaces.wording"
    await admin.fill(view["id"], {"ego_label": "Room to err?"})
    await admin.submit(view["id"])

    assert (await settings_of(harness)).questions == {"ego": {"label": "Room to err?"}}


async def test_non_admin_reads_the_settings_and_learns_whom_to_ask(harness: BotHarness) -> None:
    answer = await harness.slack.as_user(BEN).command("/imbalance settings", LAUNCH)

    assert "Ask one of them" in json.dumps(answer.body["blocks"])
    assert harness.slack.as_user(BEN).top_view is None


async def test_former_admin_cannot_save_an_open_form(harness: BotHarness) -> None:
    admin = harness.slack.as_user(OWNER)
    await admin.command("/imbalance settings", LAUNCH)
    view = admin.top_view
    assert view is not None
    await admin.fill(view["id"], {"minimum_small": "5"})
    await wait_for_delivery(harness.slack.change_user(OWNER, is_admin=False, is_owner=False))
    await harness.settle()
    submitted = await admin.submit(view["id"])

    assert "Only workspace admins" in json.dumps(submitted.errors)
    assert await settings_of(harness) == WorkspaceSettings()


async def test_every_event_is_acknowledged(harness: BotHarness) -> None:
    for event in (
        {"type": "team_join", "user": {"id": "U0NEW", "name": "new"}},
        {"type": "member_joined_channel", "user": GUEST, "channel": LAUNCH, "team": WORKSPACE},
        {"type": "tokens_revoked", "tokens": {"oauth": [BEN], "bot": []}},
    ):
        assert await harness.slack.emit(event)
    await harness.settle()

    async with harness.bot.db.reading() as reader:
        assert await reader.scalar(select(schema.workspaces.c.state)) == "installed"


async def test_uninstalled_app_is_recorded(harness: BotHarness) -> None:
    await harness.slack.emit({"type": "app_uninstalled"})
    await harness.settle()

    async with harness.bot.db.reading() as reader:
        assert await reader.scalar(select(schema.workspaces.c.state)) == "uninstalled"
