"""A small soak test, in weeks when clocks change. The full one is `make soak`."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.databases import copy_of
from tests.soak.__main__ import soak

#: New Zealand and Lord Howe go forward on 27 Sep and 4 Oct, Europe goes back on 25 Oct.
STARTS_AT = datetime(2026, 9, 21, 9, 0, tzinfo=UTC)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_three_workspaces_for_five_weeks_without_problems(
    sqlite_template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = copy_of(sqlite_template, tmp_path / "soak.db")

    totals = await soak(workspaces=3, weeks=5, seed=1, database=database, starts_at=STARTS_AT)

    assert totals.problems == []
    assert (totals.lost, totals.duplicates, totals.out_of_order) == (0, 0, 0)
    assert totals.on_time == totals.slots > 50
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("workspaces 3 · weeks 5 · slots ")
