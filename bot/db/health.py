"""Whether the database works: counted each time it does not, said at most every few seconds."""

import re

from bot.clock import monotonic
from bot.db.db_errors import FailureKind, failure_kind
from bot.log import log
from bot.metrics import database_failures

SAY_EVERY_SECONDS = 10.0
#: So long without a failure, and it is well again.
CALM_SECONDS = 2.0
LONGEST_REASON = 200
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')


class Health:
    """One database, seen by one process."""

    def __init__(self) -> None:
        self._failing_since: float | None = None
        self._failed_at = 0.0
        self._said_at = float("-inf")
        self._unsaid = 0

    def failed(self, error: BaseException) -> None:
        """Count an error, if it is the database's trouble."""
        kind = failure_kind(error)
        if kind is None:
            return
        database_failures.labels(kind).inc()
        if kind is FailureKind.CONFLICT:  # of two transactions with each other, not of the database
            return
        now = self._failed_at = monotonic()
        self._failing_since = self._failing_since or now
        self._unsaid += 1
        if now - self._said_at >= SAY_EVERY_SECONDS:
            log.error("database_failed", kind=kind, reason=_reason(error), failures=self._unsaid)
            self._said_at = now
            self._unsaid = 0

    def worked(self) -> None:
        """Something was read or kept."""
        if self._failing_since is None or monotonic() - self._failed_at < CALM_SECONDS:
            return
        log.info("database_back", seconds=round(self._failed_at - self._failing_since, 1))
        self._failing_since = None
        self._said_at = float("-inf")
        self._unsaid = 0


def _reason(error: BaseException) -> str:
    """What the driver said, in one line, without the statement that SQLAlchemy would add.

    What it quotes is left out: before a connection works, that comes from DATABASE_URL, and where
    that is wrong, a name in it may be a password.
    """
    said = str(getattr(error, "orig", None) or error) or type(error).__name__
    return " ".join(_QUOTED.sub("…", said).split())[:LONGEST_REASON]
