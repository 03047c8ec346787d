"""The check of a round is chosen when it opens, from the rounds, promises and levels before it."""

from collections.abc import Sequence
from datetime import date

import pytest
from sqlalchemy import insert, update

from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from bot.promises.lifecycle import make
from bot.promises.model import Reply
from bot.rounds import store
from bot.rounds.check_choice import check_columns
from bot.rounds.model import Opening
from bot.rounds.rules import RoundKind
from bot.services import Services
from tests.harness import ANA, BEN, MEMBERS, WORKSPACE
from tests.rounds.round_rows import NOW, PHASE, the_phase
from tests.rounds.test_fixed_roster import SECOND_WEEKLY, joiners, open_round, set_channel
from tests.rounds.test_opening import CLOSING, FIRST, WEEKLY

__all__ = ["joiners"]  # a fixture

CHANGE = Reply(heard=None, text="When a review waits, I will take it.", is_change=True)


async def change_phase(db: Database, **changed: object) -> None:
    async with db.transaction() as tx:
        await tx.execute(update(schema.phases).values(**changed))


async def kinds_of(
    services: Services, clock: AdjustableClock, openings: Sequence[str]
) -> list[str | None]:
    return [(await open_round(services, clock, each)).check_kind for each in openings]


async def test_quiet_sprint_is_asked_what_slipped_and_half_way_whether_to_go_on(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    kinds = await kinds_of(services, clock, (FIRST, WEEKLY, SECOND_WEEKLY, CLOSING))

    assert kinds == [None, "slipped", "continue", "slipped"]


async def test_what_is_protected_is_asked_about_in_the_words_of_the_lead(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    protected = {"stakes": "Two customers decide.", "protected": "Weekends and 1:1s."}
    await change_phase(phase, promise=protected)
    await open_round(services, clock, FIRST)
    second = await open_round(services, clock, WEEKLY)

    assert (second.check_kind, second.check_text) == ("protected", "Weekends and 1:1s.")
    assert second.check_subject is None


@pytest.mark.parametrize(
    ("levels", "expected"), [((2.5, 2.0), "continue"), ((2.5, 3.0), "slipped")]
)
async def test_two_low_rounds_in_a_row_ask_whether_to_go_on(
    phase: Database,
    services: Services,
    clock: AdjustableClock,
    levels: tuple[float, float],
    expected: str,
) -> None:
    await change_phase(phase, ends_on=date(2027, 1, 22))  # half way is far away
    for opening, level in zip((FIRST, WEEKLY), levels, strict=True):
        round_ = await open_round(services, clock, opening)
        row = {"workspace_id": WORKSPACE, "round_id": round_.round_id, "key": "ego"}
        async with phase.transaction() as tx:
            await tx.execute(insert(schema.question_levels).values(**row, level=level))

    assert await kinds_of(services, clock, [SECOND_WEEKLY]) == [expected]


async def test_promise_is_asked_about_two_rounds_later_and_not_again_while_that_round_is_open(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    first = await open_round(services, clock, FIRST)
    made = {"phase_id": PHASE, "round_id": first.round_id, "made_by": ANA}
    async with phase.transaction() as tx:
        promise_id = await make(tx, WORKSPACE, CHANGE, **made, now=NOW)
    second = await open_round(services, clock, WEEKLY)
    third = await open_round(services, clock, SECOND_WEEKLY)
    last = await open_round(services, clock, CLOSING)

    assert second.check_kind != "promise"
    asked = (third.check_kind, third.check_subject, third.check_text)
    assert asked == ("promise", promise_id, CHANGE.text)
    assert last.check_kind == "slipped"


async def test_same_is_not_asked_again_where_one_person_has_left(
    joiners: Database, services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    await change_phase(joiners, ends_on=date(2027, 1, 22))
    before = await kinds_of(services, clock, (FIRST, WEEKLY))
    set_channel(fake_slack, without=(BEN,))

    assert before == [None, "slipped"]
    assert await kinds_of(services, clock, [SECOND_WEEKLY]) == [None]


async def test_poll_asks_the_three_questions_alone(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await open_round(services, clock, FIRST)
    async with phase.transaction() as tx:
        sprint = await the_phase(tx)
        earlier = await store.earlier_rounds(tx, WORKSPACE, PHASE)
        poll, weekly = [
            await check_columns(
                tx, WORKSPACE, sprint, Opening(kind=kind, on=None, at=NOW), MEMBERS, earlier
            )
            for kind in (RoundKind.POLL, RoundKind.WEEKLY)
        ]

    assert poll == {}
    assert weekly["check_kind"] == "slipped"
