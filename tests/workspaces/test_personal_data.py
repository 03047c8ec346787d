"""One person's data: what is deleted on their wish, and what unfinished phases still need."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, PlannedRound
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import keys
from bot.phases import working_agreement
from bot.phases.history import last_learning
from bot.phases.working_agreement import NOTHING_AGREED, edited
from bot.workspaces import retention
from bot.workspaces.personal_data import forget_person
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import ANA, BEN, CHIARA, GENERAL, LAUNCH, WORKSPACE
from tests.rounds.round_rows import NOW, PHASE, ROUND, a_person, a_phase, a_round, the_phase

ENDED: dict[str, Any] = {"state": "ended", "ended_at": NOW + timedelta(days=25)}
AT = {"workspace_id": WORKSPACE, "phase_id": PHASE}
OLD, NEW = "oldphase", "newphase"


async def ids(tx: AsyncConnection, table: Any, name: str = "user_id") -> set[str]:
    """Return the people in a table."""
    return set(await tx.scalars(select(table.c[name]).where(table.c.workspace_id == WORKSPACE)))


async def plan_follow_up(tx: AsyncConnection) -> None:
    planned = PlannedRound(PHASE, "after", date(2027, 1, 5))
    await schedule.add(
        tx, WORKSPACE, action=ActionName.OPEN_ROUND, subject=str(planned), due_at=NOW
    )


@pytest.mark.parametrize("unfinished", ["running", "open questions", "questions to come"])
async def test_person_keeps_their_place_until_nobody_is_asked_any_more(
    db: Database, unfinished: str
) -> None:
    """Their answers would be the difference between the results before and after."""
    async with db.transaction() as tx:
        await a_phase(tx, **({} if unfinished == "running" else ENDED))
        await a_round(tx, state="open" if unfinished == "open questions" else "closed")
        if unfinished == "questions to come":
            await plan_follow_up(tx)

        assert await forget_person(tx, WORKSPACE, BEN)

        assert BEN in (await the_phase(tx)).roster_ids
        assert BEN in await ids(tx, schema.round_people)


async def test_person_of_a_finished_phase_is_deleted(db: Database) -> None:
    async with db.transaction() as tx:
        await a_phase(tx, **ENDED)
        await a_round(tx, state="closed")

        assert not await forget_person(tx, WORKSPACE, BEN)

        assert BEN not in (await the_phase(tx)).roster_ids
        assert BEN not in await ids(tx, schema.round_people)


async def test_team_that_withholds_the_levels_of_another_stays(db: Database) -> None:
    """Without the person the two rosters would look alike, and levels of both be shown."""
    async with db.transaction() as tx:
        await a_phase(tx, phase_id=OLD, **ENDED)
        later: dict[str, Any] = {"started_at": NOW + timedelta(days=1), "channel_id": GENERAL}
        await a_phase(tx, phase_id=NEW, too_similar_to=OLD, members=(CHIARA,), **later)

        assert await forget_person(tx, WORKSPACE, BEN)

        assert BEN in (await the_phase(tx, OLD)).roster_ids


@pytest.mark.parametrize("is_running", [True, False])
async def test_name_stays_as_long_as_a_phase_needs_it(db: Database, is_running: bool) -> None:
    """The questions name the lead; a forgotten one must not become a mere id."""
    async with db.transaction() as tx:
        await a_phase(tx, **({} if is_running else ENDED))
        await a_person(tx, ANA)

        await forget_person(tx, WORKSPACE, ANA)

        assert (ANA in await ids(tx, schema.people)) is is_running
        if is_running:
            assert (await the_phase(tx)).lead_names == ("Ana",)


async def test_name_of_an_owner_of_work_on_hold_stays(db: Database) -> None:
    async with db.transaction() as tx:
        await a_phase(tx, members=(CHIARA,))
        await a_person(tx, BEN)
        await tx.execute(insert(schema.set_aside_items).values(**an_item(BEN)))

        assert await forget_person(tx, WORKSPACE, BEN)

        assert [item.owner_name for item in (await the_phase(tx)).set_aside_items] == ["Ben"]


async def test_parked_work_of_a_forgotten_person_goes_to_the_lead(db: Database) -> None:
    async with db.transaction() as tx:
        await a_phase(tx, **ENDED)
        await tx.execute(insert(schema.set_aside_items).values(**an_item(BEN)))

        assert not await forget_person(tx, WORKSPACE, BEN)

        assert [item.owner_id for item in (await the_phase(tx)).set_aside_items] == [ANA]
        assert not await forget_person(tx, WORKSPACE, ANA)


async def test_changes_of_how_the_team_works_are_unsigned(db: Database) -> None:
    agreement = NOTHING_AGREED
    for by in (BEN, CHIARA):
        typed = (f"Line of {by}", *agreement.lines[1:])
        agreement = edited(agreement, typed, version=agreement.version, by=by, on=date(2026, 12, 1))
    async with db.transaction() as tx:
        written = working_agreement.to_json(agreement)
        await a_phase(
            tx,
            kind="trust_building",
            promise={"purpose": "Ask early"},
            how_we_work=written,
            **ENDED,
        )

        await forget_person(tx, WORKSPACE, BEN)

        changes = (await the_phase(tx)).how_we_work.changes
        assert [change.user_id for change in changes] == [CHIARA]


async def test_records_of_messages_about_finished_phases_are_deleted(db: Database) -> None:
    sent = {
        "workspace_id": WORKSPACE,
        "operation": "post",
        "state": "sent",
        "not_before": NOW,
        "created_at": NOW,
    }
    messages = schema.messages
    async with db.transaction() as tx:
        await a_phase(tx, **ENDED)
        await a_round(tx, state="closed")
        await a_phase(tx, phase_id=NEW, channel_id=GENERAL)
        await a_round(tx, phase_id=NEW, round_id="newround")
        asked = [keys.ask(ROUND, BEN), keys.goodbye(PHASE, BEN), keys.edit_of(keys.ask(ROUND, BEN))]
        needed = [keys.ask("newround", BEN), keys.edit_of(keys.ask("newround", BEN))]
        for number, key in enumerate([*asked, *needed, keys.ask(ROUND, CHIARA)]):
            row = {**sent, "message_id": f"m{number}", "key": key}
            await tx.execute(insert(messages).values(**row, conversation=key.user_id))
        unsent = {
            **sent,
            "message_id": "m9",
            "key": keys.late_thanks(PHASE, BEN),
            "state": "failed",
        }
        await tx.execute(insert(messages).values({**unsent, "conversation": BEN}))

        await forget_person(tx, WORKSPACE, BEN)

        kept = {*needed, keys.ask(ROUND, CHIARA), keys.late_thanks(PHASE, BEN)}
        assert await ids(tx, messages, "key") == kept


async def test_words_written_after_the_others_were_deleted_go_too(db: Database) -> None:
    """A lead may wrap up, or reply to the last results, long after the end."""
    settings = WorkspaceSettings(keep_texts_months=1)
    phases, promises, decisions = schema.phases, schema.promises, schema.decisions
    async with db.transaction() as tx:
        await a_phase(tx, **ENDED)
        await a_round(tx, state="closed", note="We stop.")
        await retention.delete_expired(tx, WORKSPACE, settings, NOW + timedelta(days=60))
        await tx.execute(update(phases).values(outcome="We shipped.", thanks="All of you."))
        await tx.execute(update(promises).values(text="I heard you.", heard="Late."))
        decided = {"decision_id": "d", "cause": "date", "asked_at": NOW, "choice": "continue"}
        decision = insert(decisions).values(workspace_id=WORKSPACE, phase_id=PHASE, **decided)
        await tx.execute(decision.values(text="The pilot is on track."))

        await retention.delete_expired(tx, WORKSPACE, settings, NOW + timedelta(days=61))

        phase = await the_phase(tx)
        assert (phase.outcome, phase.thanks, phase.milestone) == (None, None, "")
        assert await last_learning(tx, WORKSPACE, LAUNCH) is None  # there is nothing to copy
        assert (await tx.execute(select(promises.c.text, promises.c.heard))).one() == ("", None)
        assert await tx.scalar(select(decisions.c.text)) is None


async def test_parked_work_stays_until_its_owner_was_reminded(db: Database) -> None:
    settings = WorkspaceSettings(keep_texts_months=1)
    async with db.transaction() as tx:
        await a_phase(tx, **ENDED)
        await tx.execute(insert(schema.set_aside_items).values(**an_item(BEN)))
        kept = []
        for day in (date(2027, 3, 15), date(2027, 3, 16)):
            at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            await retention.delete_expired(tx, WORKSPACE, settings, at)
            kept.append(len((await the_phase(tx)).set_aside_items))

    assert kept == [1, 0]


def an_item(owner_id: str) -> dict[str, Any]:
    parked = {"outcome": "parked", "parked_until": date(2027, 3, 1)}
    return {**AT, "position": 0, "text": "Dark mode", "owner_id": owner_id, **parked}
