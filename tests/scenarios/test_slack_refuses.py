"""Slack's refusals while a person waits: each has a true sentence, and nothing typed is lost."""

import pytest

from bot.slack import views
from tests.harness import ANA, BEN, LAUNCH, BotHarness
from tests.scenarios.lead import CLEAR, SPRINT, Lead, shown

ADD, MORE, BACK = "phase.start.add", "phase.start.more", "phase.start.back"
EXAMPLE = "phase.start.example"


@pytest.fixture
async def on_page_2(harness: BotHarness, ana: Lead) -> Lead:
    await harness.settle()
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    assert ana.page == "The promise"
    return ana


def rows(lead: Lead) -> list[str]:
    return [name for name in lead.inputs if name.startswith("start.row.")]


async def test_second_quick_press_adds_no_second_line_and_says_nothing(on_page_2: Lead) -> None:
    answers = await on_page_2.me.press_quickly(ADD, ADD)

    assert [answer.status for answer in answers] == [200, 200]
    assert on_page_2.page == "The promise"
    assert rows(on_page_2) == ["start.row.0", "start.row.1"]
    await on_page_2.me.click(ADD)
    assert len(rows(on_page_2)) == 3


async def test_second_quick_press_on_page_1_says_nothing(harness: BotHarness, ana: Lead) -> None:
    await harness.settle()
    await ana.types("results 2w")

    answers = await ana.me.press_quickly(EXAMPLE, EXAMPLE)

    assert [answer.status for answer in answers] == [200, 200]
    assert ana.page == "Is this the moment?"


async def test_press_from_an_outdated_form_is_told_so_above_it(on_page_2: Lead) -> None:
    await on_page_2.me.fill(on_page_2.view["id"], {"start.row.0": "Dark mode"})
    await on_page_2.me.press_quickly(ADD, MORE)

    assert on_page_2.page == "Not done"
    assert shown(on_page_2.blocks) == views.CONFLICT_TEXT
    assert "othing was changed" not in shown(on_page_2.blocks)
    await on_page_2.me.close()
    assert rows(on_page_2) == ["start.row.0", "start.row.1"]
    assert on_page_2.typed("start.row.0") == "Dark mode"
    await on_page_2.me.click(BACK)
    assert on_page_2.page == "Is this the moment?"


async def test_outdated_press_does_not_empty_a_line_it_did_not_show(on_page_2: Lead) -> None:
    await on_page_2.me.click(ADD)
    await on_page_2.me.fill(on_page_2.view["id"], {"start.row.1": "Hiring"})
    await on_page_2.me.press_quickly(ADD, ADD)
    await on_page_2.sends(**SPRINT)

    assert "Hiring" in shown(on_page_2.blocks)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"error": "expired_trigger_id"}, views.EXPIRED_TEXT),
        ({"error": "exchanged_trigger_id"}, views.EXPIRED_TEXT),
        ({"error": "ratelimited", "status": 429}, views.LIMITED_TEXT),
        ({"error": "not_allowed_token_type"}, "Slack didn't show the form (not_allowed_token"),
        ({"status": 503, "raw": "<html>"}, "Slack didn't show the form (http 503)"),
        ({"drop": True}, views.NO_ANSWER_TEXT),
    ],
    ids=str,
)
async def test_form_that_does_not_open_says_why(
    harness: BotHarness, ana: Lead, fault: dict[str, object], text: str
) -> None:
    harness.slack.faults.fail_next("views.open", **fault)  # type: ignore[arg-type]

    answer = await ana.types("results")

    assert text in answer
    assert "othing was changed" not in answer
    assert "rror" not in answer


async def test_full_channel_is_not_called_pinned_or_bookmarked(
    harness: BotHarness, ana: Lead
) -> None:
    harness.slack.fill_pins_and_bookmarks(LAUNCH)
    await ana.starts()

    assert ana.page == "Announced"
    assert "pinned" not in shown(ana.blocks)
    assert "if there is room" in shown(ana.blocks)
    (announced,) = [
        message
        for message in harness.slack.as_user(BEN).visible(LAUNCH)
        if message.get("app_id") == "A0IMBAL"
    ]
    assert "pinned" not in shown(announced["blocks"])
    status = await harness.slack.as_user(ANA).command("/imbalance", LAUNCH)
    assert "pinned" not in shown(status.body["blocks"])
