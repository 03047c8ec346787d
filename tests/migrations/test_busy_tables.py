"""What PostgreSQL is told about the tables whose rows change often."""

import pytest
from sqlalchemy import text

from bot.db.engine import Database


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("table", ["messages", "agenda", "sender_leases"])
async def test_it_is_cleaned_once_a_hundredth_of_it_is_dead(db: Database, table: str) -> None:
    async with db.reading() as reader:
        found = await reader.scalar(
            text("SELECT reloptions FROM pg_class WHERE relname = :table"), {"table": table}
        )
    told = dict(option.split("=") for option in found or [])
    assert told["autovacuum_vacuum_scale_factor"] == "0.01"
    assert int(told["fillfactor"]) < 100
