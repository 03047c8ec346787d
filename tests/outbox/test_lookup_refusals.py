"""A lookup that Slack refuses proves nothing: what may have arrived is not posted again."""

import pytest

from tests.outbox.sender import Sender
from tests.outbox.test_unknown_outcome import post_with_unknown_outcome, posts, run_lookup


@pytest.mark.parametrize(
    "error", ["missing_scope", "not_in_channel", "channel_not_found", "access_denied"]
)
async def test_message_is_not_posted_again_after_refused_lookups(
    sender: Sender, error: str
) -> None:
    await post_with_unknown_outcome(sender, "a", accepted=True)
    sender.slack.faults.fail_next("conversations.history", error=error, times=9)

    for _ in range(3):
        await run_lookup(sender, "a")

    assert posts(sender, "a") == [None]
    assert (await sender.row("a")).state != "sent"
