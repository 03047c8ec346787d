"""One message as its sender sees it, and the result of a call about it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.outbox.enqueue import Operation, State
from bot.outbox.keys import MessageKey
from bot.slack.errors import ErrorKind
from bot.slack.ids import is_person


@dataclass(frozen=True, kw_only=True)
class SlackLocation:
    """The location of something in Slack. `ts` of a bookmark is its id; a home view has none."""

    channel: str | None
    ts: str | None
    file_id: str | None = None  # of the picture it shows


NOWHERE = SlackLocation(channel=None, ts=None)


@dataclass(frozen=True, kw_only=True)
class QueuedMessage:
    """An open message, as it was when its sender's transaction read or claimed it."""

    workspace_id: str
    message_id: str
    key: MessageKey
    operation: Operation
    conversation: str
    payload: dict[str, Any] = field(default_factory=dict)  # empty until it is claimed
    picture: dict[str, Any] | None
    file_id: str | None
    revision: int
    state: State
    fence: int  # of its last claim
    created_at: datetime
    not_before: datetime
    expires_at: datetime | None
    attempts: int
    lookup_attempts: int
    error: str | None  # why it is not sent yet
    first_try_at: datetime | None
    #: Thread of its last try; empty: in no thread; null: not tried, or by a version that did not
    #: store it.
    thread_ts: str | None
    rate_limit: str  # the name of the rate limit it counts towards
    queue: str  # the name of its queue
    #: Location of the message replied to, edited or pinned: NOWHERE if there is none, null if it is
    #: not in Slack and never will be.
    target: SlackLocation | None

    @property
    def is_direct(self) -> bool:
        """Return whether this is a direct message: to a person's id, not a channel's."""
        return is_person(self.conversation)

    @property
    def was_scheduled(self) -> bool:
        """Return whether it was enqueued for a later time."""
        return self.not_before > self.created_at

    @property
    def needs_picture(self) -> bool:
        return self.picture is not None and not self.file_id


@dataclass(frozen=True, kw_only=True)
class SendResult:
    """The result of a job: the new state of its message, and why."""

    row: QueuedMessage  # with the fence of its claim: an outdated one changes nothing
    state: State
    location: SlackLocation = NOWHERE  # where it is, if it was sent
    reason: str | None = None
    wait_seconds: float | None = None  # real seconds before the next look; null: at once
    error_kind: ErrorKind | None = None  # of Slack's refusal; null: there was none
    retry_after: float | None = None  # seconds that Slack asks to wait for this method
    file_id: str | None = None  # of the picture just uploaded
    attempts_change: int = 0  # change to its attempts
    lookup_attempts_change: int = 0  # change to its lookup attempts
    drop_picture: bool = False  # send it without its picture
