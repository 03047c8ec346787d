"""PostgreSQL storage options of the tables whose rows change often."""

import pytest
from sqlalchemy import text

from bot.db.engine import Database


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("table", ["messages", "agenda", "sender_leases"])
async def test_busy_table_is_vacuumed_at_one_percent_dead_rows_and_keeps_free_space(
    db: Database, table: str
) -> None:
    async with db.reading() as reader:
        found = await reader.scalar(
            text("SELECT reloptions FROM pg_class WHERE relname = :table"), {"table": table}
        )
    options = dict(option.split("=") for option in found or [])
    assert options["autovacuum_vacuum_scale_factor"] == "0.01"
    assert int(options["fillfactor"]) < 100
