"""Column types that behave alike on both engines."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, String
from sqlalchemy.types import TypeDecorator

#: Slack's ids are 9 to 11 characters today; no length is promised.
SlackId = String(32)
#: Our own ids: 32 hexadecimal characters.
OwnId = String(32)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Takes and returns aware datetimes in UTC; refuses naive ones.

    SQLite drops the zone of a datetime, so it is restored when reading.

    Raises:
        ValueError: a naive datetime was given.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        instant: datetime = value
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
