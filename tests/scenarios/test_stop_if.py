"""*Stop if*: the leads are asked on its day, and their answer is read by the team."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.agenda.schedule import due_times_about
from bot.db import schema
from bot.decisions.lifecycle import ask
from bot.decisions.model import Cause
from bot.phases import store
from bot.rounds.lifecycle import drop_rounds
from tests.harness import ANA, BEN, HANA, LAUNCH, WORKSPACE, BotHarness
from tests.scenarios.lead import CLEAR, SPRINT, TRUST, Lead, count, shown
from tests.scenarios.test_check import NO, YES, answer_checks
from tests.scenarios.test_results import blocks_json, thread_replies

STOP_IF = "The pilot customer moves the date."
WHY = "The pilot is on track & nobody is tired."
CHANGE = "When a review waits a day, I will take it."
#: The evening of the day with the second results.
DECIDED_ON = datetime(2026, 12, 3, 18, tzinfo=UTC)
#: The evening on which the questions of the round nearest to the middle of four weeks are out.
HALF_WAY = datetime(2026, 12, 8, 20, tzinfo=UTC)
PICKED = {"start.stop_if_on": "2026-12-02"}


async def start(
    lead: Lead, kind: str = "results 2w", *, co_lead: str | None = None, **stop_if: str
) -> dict[str, str]:
    """Start a phase with a *stop if*; return the errors of page 2."""
    harness = lead.harness
    await harness.settle()
    assert await lead.types(kind) == ""
    assert await lead.sends(**CLEAR) == {}
    await lead.me.click("phase.start.richer")
    if co_lead is not None:
        await lead.me.click("phase.start.more")
        await lead.me.fill(lead.view["id"], {"start.co_leads": [co_lead]})
    texts = TRUST if kind.startswith("trust") else SPRINT
    asked = {"start.text.stop_if": STOP_IF, **stop_if}
    errors = await lead.sends(**texts, **{name: text for name, text in asked.items() if text})
    if not errors:
        assert await lead.sends() == {}
    return errors


@pytest.fixture
async def asked(harness: BotHarness, ana: Lead) -> Lead:
    """The lead of a sprint, on the day of its *stop if*."""
    assert await start(ana, **PICKED) == {}
    await harness.travel_to(DECIDED_ON)
    return ana


async def only_phase(harness: BotHarness) -> str:
    async with harness.bot.db.reading() as reader:
        phase_id: str | None = await reader.scalar(select(schema.phases.c.phase_id))
    assert phase_id is not None
    return phase_id


async def ask_without_results(harness: BotHarness, cause: Cause = Cause.CHECK) -> None:
    """Ask the leads when no round is open."""
    async with harness.bot.db.transaction() as tx:
        phase = await store.lock(tx, WORKSPACE, await only_phase(harness))
        assert phase is not None
        await ask(tx, WORKSPACE, phase, cause, harness.clock.now())
    await harness.settle()


def questions_to(harness: BotHarness, user_id: str) -> list[dict[str, Any]]:
    """Return the messages to a person that have the question as a message or a part of one."""
    messages = harness.slack.as_user(user_id).dm_with_bot()
    return [message for message in messages if "decisions.decide" in str(message)]


def answers(harness: BotHarness) -> list[dict[str, Any]]:
    return [reply for reply in thread_replies(harness) if "decid" in reply["text"]]


async def decide(lead: Lead, choice: str, text: str) -> dict[str, str]:
    await lead.me.click("decisions.decide")
    return await lead.sends(**{"decisions.choice": choice, "decisions.text": text})


async def test_announcement_says_when_it_is_decided(harness: BotHarness, ana: Lead) -> None:
    assert await start(ana, **PICKED) == {}

    text = shown(harness.slack.as_user(BEN).visible(LAUNCH)[0]["blocks"])

    assert "*Stop if (decision on Thu 3 Dec):* The pilot customer moves the date." in text


async def test_question_comes_with_the_results_and_the_answer_is_signed(asked: Lead) -> None:
    harness = asked.harness
    (question,) = questions_to(harness, ANA)
    assert "*Does this go on as planned?*" in blocks_json(question)
    assert "Second week" in question["text"] or "Week 2" in question["text"]
    assert questions_to(harness, BEN) == []

    assert await decide(asked, "continue", WHY) == {}

    (answer,) = answers(harness)
    assert answer["text"] == "Ana decided: this goes on as planned"
    assert "The pilot is on track &amp; nobody is tired." in blocks_json(answer)
    assert answer.get("subtype") != "thread_broadcast"
    await harness.travel_to(DECIDED_ON + timedelta(days=3, hours=20))
    assert answers(harness) == [answer]
    assert questions_to(harness, ANA) == []


async def test_change_is_a_promise(asked: Lead) -> None:
    assert await decide(asked, "adjust", CHANGE) == {}

    async with asked.harness.bot.db.reading() as reader:
        promise = (await reader.execute(select(schema.promises))).mappings().one()
    assert (promise["text"], promise["round_id"], promise["made_by"]) == (CHANGE, None, ANA)
    (answer,) = answers(asked.harness)
    assert f"and promises:*\\n>{CHANGE}" in blocks_json(answer)


async def test_end_leads_to_the_wrap_up_and_is_the_answer(asked: Lead) -> None:
    await asked.me.click("decisions.decide")
    await asked.me.click("decisions.end")
    assert asked.page == "Wrap Up"
    assert await asked.sends(milestone_outcome="missed", outcome="They moved the date.") == {}

    (answer,) = answers(asked.harness)
    assert answer["text"] == "Ana decided to end this phase"
    assert await agenda_of_decisions(asked.harness) == {}


async def agenda_of_decisions(harness: BotHarness) -> dict[str, datetime]:
    phase_id = await only_phase(harness)
    async with harness.bot.db.reading() as reader:
        asking = await due_times_about(reader, WORKSPACE, action="ask_decision", about=phase_id)
        agenda = schema.agenda
        noting = await reader.execute(
            select(agenda.c.subject, agenda.c.due_at).where(agenda.c.action == "note_undecided")
        )
    return {**asking, **{row.subject: row.due_at for row in noting}}


async def test_thread_says_after_two_working_days_that_nothing_is_decided(asked: Lead) -> None:
    await asked.harness.travel_to(datetime(2026, 12, 7, 9, tzinfo=UTC))
    assert answers(asked.harness) == []

    await asked.harness.travel_to(datetime(2026, 12, 7, 16, tzinfo=UTC))

    (note,) = answers(asked.harness)
    assert note["text"] == "Ana hasn't decided yet"
    assert "As of Mon 7 Dec, Ana hasn't decided yet" in blocks_json(note)


async def test_early_end_takes_the_question_back(harness: BotHarness, ana: Lead) -> None:
    assert await start(ana, **PICKED) == {}
    await ana.me.command("/imbalance end", LAUNCH)
    assert await ana.sends(milestone_outcome="hit", outcome="It is out.") == {}

    assert await agenda_of_decisions(harness) == {}
    await harness.travel_to(DECIDED_ON + timedelta(days=7))
    assert answers(harness) == []
    assert await count(harness, schema.decisions) == 0


async def test_without_questions_the_lead_gets_one_message(harness: BotHarness, ana: Lead) -> None:
    assert await start(ana, **PICKED) == {}
    async with harness.bot.db.transaction() as tx:
        await drop_rounds(tx, WORKSPACE, await only_phase(harness))
    await harness.travel_to(DECIDED_ON)

    (question,) = questions_to(harness, ANA)
    assert question["text"] == f"<#{LAUNCH}>: does this go on as planned?"
    assert datetime.fromtimestamp(float(question["ts"]), UTC).hour == 9
    assert await decide(ana, "continue", WHY) == {}
    assert questions_to(harness, ANA) == []
    assert "Ana has decided." in str(ana.me.dm_with_bot())


async def test_second_cause_asks_nothing_new(asked: Lead) -> None:
    await ask_without_results(asked.harness)

    assert len(questions_to(asked.harness, ANA)) == 1
    assert await count(asked.harness, schema.decisions) == 1


async def test_team_that_says_no_half_way_gets_a_decision(harness: BotHarness, ana: Lead) -> None:
    assert await start(ana, "results 4w", **{"start.text.stop_if": ""}) == {}
    await harness.travel_to(HALF_WAY)
    assert questions_to(harness, ANA) == []
    await answer_checks(harness, [NO, NO, NO, NO, YES])
    await harness.travel_to(HALF_WAY + timedelta(days=2, hours=22))

    (question,) = questions_to(harness, ANA)
    assert "Your team says that it shouldn't." in blocks_json(question)
    assert await decide(ana, "adjust", CHANGE) == {}
    (answer,) = answers(harness)
    assert "The team said that this shouldn't go on as planned." in blocks_json(answer)


@pytest.mark.parametrize("levels", [[NO, NO, NO, YES, YES, YES], [NO] * 3], ids=["half", "few"])
async def test_team_that_does_not_say_no_gets_no_decision(
    harness: BotHarness, ana: Lead, levels: list[int]
) -> None:
    assert await start(ana, "results 4w", **{"start.text.stop_if": ""}) == {}
    await harness.travel_to(HALF_WAY)
    await answer_checks(harness, levels)
    await harness.travel_to(HALF_WAY + timedelta(days=2, hours=22))

    assert questions_to(harness, ANA) == []


async def test_paused_phase_is_asked_once_it_resumes(harness: BotHarness, ana: Lead) -> None:
    assert await start(ana, **PICKED) == {}
    harness.slack.archive(LAUNCH)
    await harness.travel_to(DECIDED_ON)
    assert await count(harness, schema.decisions) == 0

    harness.slack.unarchive(LAUNCH)
    await harness.travel_to(DECIDED_ON + timedelta(days=1))

    assert await count(harness, schema.decisions) == 1


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"start.stop_if_on": "2026-11-23"}, "start.stop_if_on"),
        ({"start.stop_if_on": "2026-12-08"}, "start.stop_if_on"),
        ({"start.stop_if_on": "2026-12-01", "start.text.stop_if": ""}, "start.text.stop_if"),
        ({"start.text.stop_if": "x" * 241}, "start.text.stop_if"),
    ],
    ids=["the first day", "after the end", "a day alone", "too long"],
)
async def test_stop_if_that_cannot_be_is_refused_at_its_field(
    ana: Lead, typed: dict[str, str], field: str
) -> None:
    assert list(await start(ana, **typed)) == [field]


@pytest.mark.parametrize("text", ["x" * 1_001, " "], ids=["too long", "blank"])
async def test_reason_that_cannot_be_is_refused_where_it_was_typed(asked: Lead, text: str) -> None:
    errors = await decide(asked, "continue", text)

    assert list(errors) == ["decisions.text"]
    assert answers(asked.harness) == []


async def test_decision_of_a_co_lead_stands(harness: BotHarness, ana: Lead) -> None:
    """The other lead's form was open meanwhile, and keeps what was typed."""
    assert await start(ana, co_lead=HANA, **PICKED) == {}
    await harness.travel_to(DECIDED_ON)
    hana = Lead(harness, HANA)
    for lead in (ana, hana):
        await lead.me.click("decisions.decide")
    typed = {"decisions.choice": "continue", "decisions.text": WHY}

    assert await ana.sends(**typed) == {}
    errors = await hana.sends(**typed)

    assert "Ana has decided already" in errors["decisions.text"]
    assert hana.typed("decisions.text") == WHY
    assert len(answers(harness)) == 1


async def test_decision_after_the_end_is_refused_and_keeps_what_was_typed(asked: Lead) -> None:
    await asked.me.click("decisions.decide")
    await asked.harness.travel_to(datetime(2026, 12, 8, 9, tzinfo=UTC))

    errors = await asked.sends(**{"decisions.choice": "adjust", "decisions.text": CHANGE})

    assert "has ended" in errors["decisions.text"]
    assert await count(asked.harness, schema.promises) == 0


async def test_archived_channel_keeps_the_decision_open(asked: Lead) -> None:
    await asked.me.click("decisions.decide")
    asked.harness.slack.archive(LAUNCH)
    await asked.harness.settle()

    errors = await asked.sends(**{"decisions.choice": "adjust", "decisions.text": CHANGE})

    assert "can't post in the channel" in errors["decisions.text"]
    assert await count(asked.harness, schema.promises) == 0


@pytest.mark.parametrize("kind", ["results 2w", "results 4w", "trust 5w"])
async def test_question_adds_no_message_to_a_week(
    harness: BotHarness, ana: Lead, kind: str
) -> None:
    assert await start(ana, kind) == {}
    phase_id = await only_phase(harness)
    async with harness.bot.db.reading() as reader:
        phase = await store.load(reader, WORKSPACE, phase_id)
    assert phase is not None
    assert phase.stop_if_on is not None

    await harness.travel_to(
        datetime.combine(phase.stop_if_on + timedelta(days=1), datetime.min.time(), UTC)
    )

    sent = [float(message["ts"]) for message in ana.me.dm_with_bot()]
    weeks = Counter(datetime.fromtimestamp(ts, UTC).isocalendar()[:2] for ts in sent)
    assert questions_to(harness, ANA)
    assert max(weeks.values()) <= 2
