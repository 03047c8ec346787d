"""The smallest soak: three workspaces in the weeks when clocks change in north and south."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.db.migrate import migrate
from tests.soak.__main__ import soak

#: New Zealand and Lord Howe go forward on 27 Sep and 4 Oct, Europe goes back on 25 Oct.
BEGINS = datetime(2026, 9, 21, 9, 0, tzinfo=UTC)


@pytest.mark.slow
async def test_every_slot_is_hit_across_clock_changes(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'soak.db'}"
    await migrate(database)
    found = await soak(workspaces=3, weeks=5, seed=1, database=database, begins=BEGINS)
    assert found.wrong == []
    assert found.is_well
    assert found.slots > 50
