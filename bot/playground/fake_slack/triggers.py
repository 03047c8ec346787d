"""Trigger ids: the right of one person to open one modal within three real seconds."""

import time
from dataclasses import dataclass

from bot.playground.fake_slack.errors import SlackError
from bot.playground.fake_slack.ids import Ids

TRIGGER_LIFETIME_SECONDS = 3.0
MOST_KEPT = 10_000


@dataclass(kw_only=True)
class Trigger:
    user_id: str
    in_modal: bool  # from inside a modal, so it may push
    issued: float
    used: bool = False


class Triggers:
    """The issued triggers. `age` expires current ones, for tests."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._issued: dict[str, Trigger] = {}

    def issue(self, user_id: str, *, in_modal: bool = False) -> str:
        trigger_id = f"{self._ids.digits()}.{self._ids.digits()}.{self._ids.secret()}"
        trigger = Trigger(user_id=user_id, in_modal=in_modal, issued=time.monotonic())
        self._issued[trigger_id] = trigger
        if len(self._issued) > MOST_KEPT:
            del self._issued[next(iter(self._issued))]
        return trigger_id

    def use(self, trigger_id: str) -> Trigger:
        """Use up a trigger and return it.

        Raises:
            SlackError: it is unknown, too old or used.
        """
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if time.monotonic() - trigger.issued > TRIGGER_LIFETIME_SECONDS:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger

    def owner(self, trigger_id: str) -> str:
        """Return the person it was issued for; empty if it is unknown."""
        trigger = self._issued.get(trigger_id)
        return trigger.user_id if trigger is not None else ""

    def age(self) -> None:
        """Expire every trigger issued so far, as if three seconds had passed."""
        for trigger in self._issued.values():
            trigger.issued -= TRIGGER_LIFETIME_SECONDS + 1
