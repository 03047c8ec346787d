"""A start form that was deleted after a week, or is somebody else's, says so on every page."""

from collections.abc import Awaitable, Callable

import pytest

from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from bot.start import draft_store, page_preview, page_promise, wizard
from bot.start.draft import Draft
from bot.start.draft_store import StoredDraft
from tests.harness import ANA, BEN, LAUNCH, WORKSPACE
from tests.start.proposals import SPRINT

#: Everything that may be sent or pressed in the form.
STEPS: dict[str, Callable[[Services, Request], Awaitable[object]]] = {
    "after_moment": lambda services, request: wizard.after_moment(services, request, {}),
    "after_promise": lambda services, request: wizard.after_promise(services, request, {}),
    "add_row": lambda services, request: wizard.add_row(services, request, {}),
    "fold_options": lambda services, request: wizard.fold_options(services, request, {}),
    "back": lambda services, request: wizard.back(services, request, {}, page_promise.PAGE),
    "back_again": lambda services, request: wizard.back(services, request, {}, page_preview.PAGE),
    "announce": wizard.announce,
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("draft_id", ["gone", "theirs"])
async def test_every_step_of_a_forgotten_form_says_that_it_was(
    services: Services, step: str, draft_id: str
) -> None:
    draft = Draft(ends_on=SPRINT.ends_on)
    stored = StoredDraft(
        draft_id="theirs", channel_id=LAUNCH, user_id=BEN, draft=draft, phase_id=None
    )
    async with services.db.transaction() as tx:
        await draft_store.save(tx, WORKSPACE, stored, services.clock.now())

    with pytest.raises(Refused, match="older than a week"):
        await STEPS[step](
            services, Request(workspace_id=WORKSPACE, user_id=ANA, target_id=draft_id)
        )

    async with services.db.reading() as reader:
        unchanged = await draft_store.find(reader, WORKSPACE, "theirs", BEN)
    assert unchanged == stored
