"""Texts longer than their fields: every form page opens and says what was truncated."""

from typing import Any

import pytest
from sqlalchemy import select, update

from bot.db import schema
from bot.playground.fake_slack.json_pointer import utf16
from bot.workspaces import store
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import (
    ANA,
    BEN,
    CHIARA,
    DEV,
    EMI,
    FINN,
    GUSTAVO,
    HANA,
    LAUNCH,
    MEMBERS,
    OWNER,
    WORKSPACE,
    BotHarness,
)
from tests.scenarios.lead import CLEAR, RICHER, SPRINT, Lead, shown

FAMILY = "👩‍👩‍👧‍👦"
MILESTONES = {
    "241 letters": "g" * 241,
    "500 letters": "Ship the beta " * 35 + "to all ten",
    "3000 letters": "x" * 3_000,
    "239 letters and an emoji": "g" * 239 + "😀",
    "emoji only": "😀" * 500,
    "families": FAMILY * 60,
    "mentions": "with <@U0BEN> &amp; <https://a.example|a> " * 60,
    "accents": "e\u0301" * 300,
}
REST = {name: text for name, text in SPRINT.items() if name != "start.text.milestone"}


def milestone(ana: Lead) -> str:
    return str(ana.typed("start.text.milestone"))


def hint(ana: Lead, block_id: str = "start.text.milestone") -> str:
    (block,) = [one for one in ana.blocks if one["block_id"] == block_id]
    return str((block.get("hint") or {}).get("text", ""))


@pytest.mark.parametrize("name", MILESTONES)
async def test_long_milestone_is_truncated_on_every_page(
    harness: BotHarness, ana: Lead, name: str
) -> None:
    assert await ana.types(f"results 2w {MILESTONES[name]}") == ""
    assert await ana.sends(**CLEAR) == {}
    assert ana.page == "The promise"
    assert utf16(milestone(ana)) <= 240
    assert milestone(ana).endswith("…")
    assert "240 fit, so the end was cut off" in hint(ana)

    await ana.me.click("phase.start.back")
    assert ana.page == "Is this the moment?"
    assert await ana.sends() == {}
    await ana.me.click("phase.start.more")
    await ana.me.click("phase.start.add")
    assert await ana.sends(**REST) == {}
    assert ana.page == "Preview"
    await ana.me.click("phase.start.back")
    assert ana.page == "The promise"
    assert await ana.sends() == {}
    assert await ana.sends() == {}

    assert ana.page == "Announced"
    assert len(harness.slack.as_user(BEN).visible(LAUNCH)) == 1
    assert harness.slack.problems == []


async def test_truncation_does_not_split_an_emoji(ana: Lead) -> None:
    await ana.types(f"results 2w {FAMILY * 60}")
    await ana.sends(**CLEAR)

    kept = milestone(ana).removesuffix("…")
    assert kept == FAMILY * (len(kept) // len(FAMILY))


async def test_milestone_at_the_limit_is_unchanged(ana: Lead) -> None:
    await ana.types(f"results 2w {'g' * 240}")
    await ana.sends(**CLEAR)

    assert milestone(ana) == "g" * 240
    assert hint(ana) == ""


async def test_draft_with_a_long_milestone_is_restored_truncated(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.types(f"results 2w {'g' * 500}")
    await ana.me.close()

    await ana.types("results")
    assert await ana.sends(**CLEAR) == {}

    assert ana.page == "The promise"
    assert milestone(ana) == "g" * 239 + "…"
    assert "500 characters" in hint(ana)
    assert await ana.sends(**REST) == {}
    assert ana.page == "Preview"


async def test_draft_with_overlong_texts_and_a_weekend_day_opens(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.types("results 2w")
    await ana.me.close()
    await _update_draft(
        harness,
        texts={name.removeprefix("start.text."): "😀" * 400 for name in (*SPRINT, *RICHER)},
        rows=[{"text": "w" * 900, "owner_id": None}] * 5,
        weekday=6,
        more_options=True,
        members=[BEN],
        co_leads=[f"U{number:08}" for number in range(9)],
        is_richer=True,
    )

    await ana.types("results")
    assert await ana.sends(**CLEAR) == {}

    assert ana.page == "The promise"
    assert ana.typed("start.row.4") == "w" * 239 + "…"
    assert "900 characters" in hint(ana, "start.row.0")
    assert ana.typed("start.weekday") is None
    assert harness.slack.problems == []


async def test_longest_names_fit_every_form(harness: BotHarness, ana: Lead) -> None:
    """The longest names Slack allows, all characters escaped, and the maximum number of leads."""
    for user_id in (ANA, *MEMBERS):
        harness.slack.workspace.users[user_id].real_name = "&" * 80
    await ana.types(f"results 2w {'&' * 240}")
    await ana.sends(**CLEAR)
    await ana.me.click("phase.start.more")
    leads = [CHIARA, DEV, EMI, FINN, HANA]
    await ana.sends(**{**REST, "start.members": [BEN, GUSTAVO], "start.co_leads": leads})
    await ana.sends()
    assert ana.page == "Announced"
    message = harness.slack.as_user(BEN).visible(LAUNCH)[0]

    for button, title in (("phase.my_part", "My Part"), ("phase.details", "Details")):
        await harness.slack.as_user(BEN).click(button, channel=LAUNCH, ts=message["ts"])
        view = harness.slack.as_user(BEN).top_view
        assert view is not None
        assert view["title"]["text"] == title
    await ana.me.command("/imbalance end", LAUNCH)
    assert ana.page == "Wrap Up"
    assert harness.slack.problems == []


async def test_settings_the_form_cannot_show_are_preserved(harness: BotHarness) -> None:
    many = tuple(f"U{number:010}" for number in range(300))
    async with harness.bot.db.transaction() as tx:
        after = WorkspaceSettings(starters=many)
        await store.save_settings(tx, WORKSPACE, after, actor=OWNER, now=harness.clock.now())
    admin = harness.slack.as_user(OWNER)

    await admin.command("/imbalance settings", LAUNCH)
    assert admin.top_view is not None
    await admin.fill(admin.top_view["id"], {"minimum_small": "5"})
    assert (await admin.submit()).errors == {}

    async with harness.bot.db.reading() as reader:
        assert (await store.settings_of(reader, WORKSPACE)).starters == many


async def test_unreadable_date_is_truncated_in_the_form(ana: Lead) -> None:
    assert await ana.types("results until " + "x" * 3_000) == ""

    (about,) = [block for block in ana.blocks if "as a day" in shown([block])]
    assert "I can't read “xxx" in shown([about])
    assert len(shown([about])) < 500


async def _update_draft(harness: BotHarness, **changes: Any) -> None:
    drafts = schema.phase_drafts
    async with harness.bot.db.transaction() as tx:
        content = (await tx.execute(select(drafts.c.content))).scalar_one()
        await tx.execute(update(drafts).values(content={**content, **changes}))
