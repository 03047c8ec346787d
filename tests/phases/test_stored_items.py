"""Set-aside items as they are read with their phase: all of them, in the lead's order."""

from sqlalchemy import insert

from bot.db import schema
from bot.db.engine import Database
from tests.harness import ANA, BEN, CHIARA, MEMBERS, WORKSPACE
from tests.rounds.round_rows import PHASE, a_person, a_phase, the_phase

#: Text and owner, in the order in which the lead typed them.
ITEMS = (("Dark mode", ANA), ("Hiring", BEN), ("Audit", CHIARA), ("Blog", BEN))


async def test_items_and_people_are_read_whole_without_their_profiles(db: Database) -> None:
    async with db.transaction() as tx:
        await a_person(tx, BEN)  # no other profile is stored
        await a_phase(tx)
        await a_phase(tx, phase_id="other", channel_id="C0OTHER")
        rows = [
            {"phase_id": PHASE, "position": position, "text": text, "owner_id": owner}
            for position, (text, owner) in enumerate(ITEMS)
        ]
        rows.append({"phase_id": "other", "position": 0, "text": "Not ours", "owner_id": BEN})
        for row in reversed(rows):
            await tx.execute(insert(schema.set_aside_items).values(workspace_id=WORKSPACE, **row))

        phase = await the_phase(tx)

    items = phase.set_aside_items
    assert [(item.text, item.owner_id) for item in items] == list(ITEMS)
    assert [item.owner_name for item in items] == ["", "Ben", "", "Ben"]
    assert {person.user_id for person in phase.people} == {ANA, *MEMBERS}
