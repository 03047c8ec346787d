"""Whether the database works: counted each time it does not, said at most every few seconds."""

from bot.clock import monotonic
from bot.db.trouble import Trouble, trouble
from bot.log import log
from bot.metrics import database_failures

SAY_EVERY_SECONDS = 10.0
LONGEST_REASON = 200


class Health:
    """One database, seen by one process."""

    def __init__(self) -> None:
        self._failing_since: float | None = None
        self._said_at = float("-inf")
        self._unsaid = 0

    def failed(self, error: BaseException) -> None:
        """Count an error, if it is the database's trouble."""
        kind = trouble(error)
        if kind is None:
            return
        database_failures.labels(kind).inc()
        if kind is not Trouble.CONFLICT and self._failing_since is None:
            self._failing_since = monotonic()
        self._unsaid += 1
        if monotonic() - self._said_at >= SAY_EVERY_SECONDS:
            log.error("database_failed", kind=kind, reason=_reason(error), failures=self._unsaid)
            self._said_at = monotonic()
            self._unsaid = 0

    def worked(self) -> None:
        """Something was read or kept."""
        if self._failing_since is None:
            return
        log.info("database_back", seconds=round(monotonic() - self._failing_since, 1))
        self._failing_since = None
        self._said_at = float("-inf")
        self._unsaid = 0


def _reason(error: BaseException) -> str:
    """What the driver said, in one line; SQLAlchemy would add the statement."""
    said = str(getattr(error, "orig", None) or error) or type(error).__name__
    return " ".join(said.split())[:LONGEST_REASON]
