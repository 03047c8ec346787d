"""The end of a list in Slack, in every form that its documentation allows.

https://docs.slack.dev/apis/web-api/pagination: the next cursor is empty, null, or not there.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.channel_health import unreachable_people
from bot.outbox.outcome_lookup import LookupResult, look_up
from bot.outbox.web_api import METADATA_TYPE
from bot.services import Services
from bot.slack.conversations import fetch_member_ids
from tests.harness import ANA, BEN, CHIARA, LAUNCH, WORKSPACE
from tests.outbox.workspace_rows import head, message, write

LAST: tuple[dict[str, Any], ...] = (
    {},
    {"response_metadata": None},
    {"response_metadata": {}},
    {"response_metadata": {"next_cursor": None}},
    {"response_metadata": {"next_cursor": ""}},
)
last_page = pytest.mark.parametrize("last", LAST, ids=map(str, LAST))


class Pages:
    """A reader of two pages, or of one; records the cursors it was asked for."""

    def __init__(self, key: str, pages: Sequence[list[Any]], last: dict[str, Any]) -> None:
        self._answers = [
            {key: page, "response_metadata": {"next_cursor": f"page{number}"}}
            for number, page in enumerate(pages[:-1], start=2)
        ]
        self._answers.append({key: pages[-1], **last})
        self.cursors: list[str] = []

    async def conversations_history(self, *, cursor: str, **_: Any) -> dict[str, Any]:
        self.cursors.append(cursor)
        return self._answers[len(self.cursors) - 1]

    async def read(self, _workspace: str, _call: Callable[..., Any], **arguments: Any) -> Any:
        return await self.conversations_history(**arguments)

    def __getattr__(self, name: str) -> Any:
        """Stand for any other method of the client, which `read` is handed."""
        return self.conversations_history


@last_page
async def test_the_members_of_a_channel_are_read_to_the_end(last: dict[str, Any]) -> None:
    pages: Any = Pages("members", [[ANA, BEN], [CHIARA]], last)

    assert await fetch_member_ids(pages, pages, WORKSPACE, LAUNCH) == [ANA, BEN, CHIARA]
    assert pages.cursors == ["", "page2"]


@last_page
async def test_a_message_is_absent_once_the_history_is_read_to_the_end(
    last: dict[str, Any], services: Services
) -> None:
    await write(services.db, "T1", message("hello"))
    async with services.db.transaction() as tx:
        row = await head(tx, "hello")
    pages: Any = Pages("messages", [[{"ts": "1.0"}], [{"ts": "2.0", "metadata": None}]], last)

    assert await look_up(pages, row) is LookupResult.ABSENT
    assert pages.cursors == ["", "page2"]


@last_page
async def test_a_message_is_found_on_the_last_page(
    last: dict[str, Any], services: Services
) -> None:
    await write(services.db, "T1", message("hello"))
    async with services.db.transaction() as tx:
        row = await head(tx, "hello")
    metadata = {"event_type": METADATA_TYPE, "event_payload": {"id": row.message_id}}
    pages: Any = Pages("messages", [[], [{"ts": "2.0", "metadata": metadata}]], last)

    found = await look_up(pages, row)
    assert (found.channel, found.ts) == (row.conversation, "2.0")  # type: ignore[union-attr]


@last_page
async def test_admins_are_looked_for_to_the_end(last: dict[str, Any], services: Services) -> None:
    admin = {"id": BEN, "is_admin": True}
    for people, found in (([{"id": ANA}], []), ([admin], [BEN])):
        pages: Any = Pages("members", [[{"id": CHIARA}], people], last)
        looked = await unreachable_people._look_for_admins(
            replace(services, reads=pages), pages, WORKSPACE
        )

        assert [person.user_id for person in looked] == found
        assert pages.cursors == ["", "page2"]
