"""Which leads make an overlapping phase of nearly the same team too similar to show levels."""

import pytest
from sqlalchemy import update

from bot.db import schema
from bot.db.engine import Database
from bot.phases import store
from tests.harness import ANA, MEMBERS, PLATFORM, WORKSPACE
from tests.rounds.round_rows import NOW, PHASE, a_phase, the_phase

MAX, ZOE = "U0MAX", "U0ZOE"
OTHER = "other"


@pytest.mark.parametrize(
    ("leads", "members", "left", "is_similar"),
    [
        ((ANA,), MEMBERS[1:], None, True),
        ((MAX, ZOE), MEMBERS[1:], None, True),  # a co-lead of both
        ((MAX, ZOE), MEMBERS[1:], OTHER, False),  # no lead of the other one any more
        ((MAX, ZOE), MEMBERS[1:], PHASE, False),  # no lead of this one any more
        ((MAX,), (*MEMBERS, ZOE), None, False),  # a member of the other one
    ],
)
async def test_phase_is_too_similar_only_to_one_with_a_present_lead_in_common(
    db: Database,
    leads: tuple[str, ...],
    members: tuple[str, ...],
    left: str | None,
    is_similar: bool,
) -> None:
    people = schema.phase_people
    async with db.transaction() as tx:
        await a_phase(
            tx,
            phase_id=OTHER,
            channel_id=PLATFORM,
            leads=leads,
            members=members,
            started_at=NOW.replace(hour=1),
        )
        await a_phase(tx, leads=(ANA, ZOE))
        gone = (people.c.phase_id == left) & (people.c.user_id == ZOE)
        await tx.execute(update(people).where(gone).values(left_at=NOW))

        found = await store.too_similar_to(tx, WORKSPACE, await the_phase(tx))

    assert found == (OTHER if is_similar else None)
