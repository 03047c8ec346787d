"""Names in typed text: those that are known stay, where Slack cannot be asked about the others."""

from typing import Any

import pytest

from bot.playground.server import FakeSlack
from bot.services import Services
from bot.slack.mrkdwn import SOMEONE
from tests.harness import BEN, CHIARA, WORKSPACE
from tests.rounds.round_rows import a_person

TYPED = f"results with <@{BEN}> and <@{CHIARA}>"


@pytest.mark.parametrize(
    ("fault", "chiara"),
    [(None, "@Chiara"), ({"status": 500}, SOMEONE), ({"error": "user_not_found"}, SOMEONE)],
)
async def test_mentions_become_names_as_far_as_they_are_known(
    services: Services, fake_slack: FakeSlack, fault: dict[str, Any] | None, chiara: str
) -> None:
    async with services.db.transaction() as tx:
        await a_person(tx, BEN)
    if fault is not None:
        fake_slack.faults.fail_next("users.info", **fault)
    client = services.client_for(WORKSPACE)

    shown = await services.people.plain_text(client, WORKSPACE, TYPED)

    assert shown == f"results with @Ben and {chiara}"
