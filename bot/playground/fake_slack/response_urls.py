"""response_url: up to five responses to an interaction within thirty real minutes."""

import time
from dataclasses import dataclass

from bot.playground.fake_slack.ids import Ids
from bot.playground.fake_slack.model import Json

LIFE_SECONDS = 30 * 60.0
MOST_USES = 5
MOST_KEPT = 10_000


@dataclass(kw_only=True)
class ResponseUrl:
    """The origin of an interaction; `container` is the message with the button, if any."""

    user_id: str
    channel_id: str
    container: Json | None
    issued: float
    uses: int = 0


class ResponseUrls:
    """The issued response_urls, by the secret in their URL."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._issued: dict[str, ResponseUrl] = {}

    def issue(self, user_id: str, channel_id: str, container: Json | None = None) -> str:
        """Return the path of a new response_url."""
        secret = self._ids.secret()
        self._issued[secret] = ResponseUrl(
            user_id=user_id, channel_id=channel_id, container=container, issued=time.monotonic()
        )
        if len(self._issued) > MOST_KEPT:
            del self._issued[next(iter(self._issued))]
        kind = "actions" if container else "commands"
        return f"/hooks/{kind}/{self._ids.digits()}/{secret}"

    def use(self, secret: str) -> ResponseUrl | str:
        """Return the ticket, or Slack's error if it cannot be used (any more)."""
        ticket = self._issued.get(secret)
        if ticket is None:
            return "invalid_url"
        if time.monotonic() - ticket.issued > LIFE_SECONDS:
            return "expired_url"
        if ticket.uses >= MOST_USES:
            return "used_url"
        ticket.uses += 1
        return ticket

    def age(self) -> None:
        """Expire every response_url issued so far."""
        for ticket in self._issued.values():
            ticket.issued -= LIFE_SECONDS + 1
