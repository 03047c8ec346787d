"""How long we believe what Slack said of people."""

from datetime import timedelta

import pytest

from bot.clock import MovedClock
from bot.playground.server import StandIn
from bot.workspaces.services import Services
from tests.lifecycle.rounds.builders import NOW, a_person
from tests.vocabulary import BEN, WORKSPACE


@pytest.mark.parametrize(
    ("is_deleted", "days", "asks"),
    [(False, 29, 0), (False, 30, 1), (True, 6, 0), (True, 7, 1)],
)
async def test_profiles_hold_for_a_month_and_closed_accounts_for_a_week(
    services: Services,
    clock: MovedClock,
    standin: StandIn,
    is_deleted: bool,
    days: int,
    asks: int,
) -> None:
    async with services.db.transaction() as tx:
        await a_person(tx, BEN, is_deleted=is_deleted, refreshed_at=NOW)
    clock.move_to(NOW + timedelta(days=days))

    person = await services.people.one(services.client_for(WORKSPACE), WORKSPACE, BEN)

    assert person is not None
    assert [call.method for call in standin.calls] == ["users.info"] * asks
