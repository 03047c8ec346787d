"""The roster of a round depends on its own phase's team, whatever other phases people are in."""

from sqlalchemy import update

from bot.db import schema
from bot.db.engine import Database
from bot.rounds import store
from tests.harness import ANA, BEN, CHIARA, MEMBERS, PLATFORM, WORKSPACE
from tests.rounds.round_rows import NOW, PHASE, ROUND, a_phase, a_round


async def test_roster_names_each_person_once_and_who_left_this_phase(db: Database) -> None:
    people = schema.phase_people
    async with db.transaction() as tx:
        await a_phase(tx)
        await a_round(tx)
        await a_phase(tx, phase_id="other", channel_id=PLATFORM, members=(BEN, CHIARA))
        for phase_id, user_id in ((PHASE, BEN), ("other", CHIARA)):
            gone = (people.c.phase_id == phase_id) & (people.c.user_id == user_id)
            await tx.execute(update(people).where(gone).values(left_at=NOW))

        roster = await store.roster(tx, WORKSPACE, ROUND)
        entry = await store.roster_entry(tx, WORKSPACE, ROUND, BEN)

    assert [person.user_id for person in roster] == sorted((ANA, *MEMBERS))
    assert [person.user_id for person in roster if person.has_left] == [BEN]
    assert entry is not None
    assert entry.has_left
