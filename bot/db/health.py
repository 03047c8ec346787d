"""Health of the database: every failure is counted, and logged at most every few seconds."""

import re

from bot.clock import monotonic
from bot.db.db_errors import FailureKind, failure_kind
from bot.log import log
from bot.metrics import database_failures

LOG_EVERY_SECONDS = 10.0
#: Seconds without a failure after which the database counts as well again.
CALM_SECONDS = 2.0
LONGEST_REASON = 200
#: In these states reads succeed, so they prove nothing.
_READS_SUCCEED = {FailureKind.FULL, FailureKind.READ_ONLY}
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')


class Health:
    """The health of one database, as seen by one process."""

    def __init__(self) -> None:
        self._failing_since: float | None = None
        self._failed_at = 0.0
        self._logged_at = float("-inf")
        self._unlogged = 0
        self.unwritable: FailureKind | None = None
        """Why nothing can be written; None: it can, as far as is known."""

    def record_failure(self, error: BaseException) -> None:
        """Count an error, if it is a failure of the database."""
        kind = failure_kind(error)
        if kind is None:
            return
        database_failures.labels(kind).inc()
        if kind is FailureKind.CONFLICT:  # two transactions collided; the database is well
            return
        if kind in _READS_SUCCEED:
            self.unwritable = kind
        now = self._failed_at = monotonic()
        self._failing_since = self._failing_since or now
        self._unlogged += 1
        if now - self._logged_at >= LOG_EVERY_SECONDS:
            log.error("database_failed", kind=kind, reason=_reason(error), failures=self._unlogged)
            self._logged_at = now
            self._unlogged = 0

    def record_written(self) -> None:
        """Note that something was certainly written."""
        self.unwritable = None
        self.record_success()

    def record_success(self) -> None:
        """Note that a read succeeded, or a transaction, which need not have written anything."""
        if self._failing_since is None or self.unwritable is not None:
            return
        if monotonic() - self._failed_at < CALM_SECONDS:
            return
        log.info("database_recovered", seconds=round(self._failed_at - self._failing_since, 1))
        self._failing_since = None
        self._logged_at = float("-inf")
        self._unlogged = 0


def log_unless_database_failed(event: str, error: Exception, **fields: str) -> None:
    """Log an error that a loop survived. `Health` has already logged what the database failed."""
    if failure_kind(error) is None:
        log.error(event, exc_info=error, **fields)


def _reason(error: BaseException) -> str:
    """Return the driver's message in one line, without the statement that SQLAlchemy would add.

    Quoted parts are left out: before a connection works they come from DATABASE_URL, and in a wrong
    one, a name may be a password.
    """
    message = str(getattr(error, "orig", None) or error) or type(error).__name__
    return " ".join(_QUOTED.sub("…", message).split())[:LONGEST_REASON]
