"""Answers, comments and concerns cannot be read once the round keys are gone.

Not from the database's files, its log or a dump, and not with any key that is left. The same attack
succeeds before, and on PostgreSQL also afterwards with a copy of the deleted keys.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.announcement.concerns import raise_concern
from bot.app import Imbalance, StartupError
from bot.clock import AdjustableClock
from bot.keys import KeyRing
from bot.settings import ROUND_KEYS_FOLDER, Settings
from bot.slack.request import Request
from tests import postgres
from tests.harness import BEN, KEY, MEMBERS, WORKSPACE, BotHarness
from tests.rounds.evidence import the_round
from tests.rounds.key_attack import Loot, attack, evidence_of
from tests.rounds.round_rows import PHASE
from tests.scenarios.test_results import answer, start_phase

#: Written by this test alone: the server's log also has what other tests wrote.
COMMENT = "The night shift covers the release alone & nobody says so"
SENTINEL = COMMENT.split(" & ", maxsplit=1)[0].encode()
CONCERN = f"{COMMENT}. It worries me."
TUESDAY_EVENING = datetime(2026, 11, 24, 20, tzinfo=UTC)
NEXT_WEEK_BEFORE_QUESTIONS = datetime(2026, 11, 30, 9, tzinfo=UTC)


def keys_left(folder: Path) -> dict[str, bytes]:
    """Return every key that the bot's machine has, by its id."""
    ring = KeyRing([KEY]).wrap(b"", "").key_id
    files = {file.name: file.read_bytes() for file in folder.iterdir()} if folder.exists() else {}
    return {ring: KEY, **files}


@pytest.fixture
def own_server(request: pytest.FixtureRequest, database_url: str) -> postgres.OwnServer | None:
    """The server whose files can be read; None for SQLite."""
    if database_url.startswith("sqlite"):
        return None
    server = request.getfixturevalue("postgres_server")
    if not isinstance(server, postgres.OwnServer):
        pytest.skip("the files of TEST_DATABASE_URL's server cannot be read here")
    return server


async def test_nothing_is_readable_once_the_round_keys_are_deleted(
    harness: BotHarness, own_server: postgres.OwnServer | None, tmp_path: Path
) -> None:
    folder = tmp_path / ROUND_KEYS_FOLDER
    await start_phase(harness)
    await harness.travel_to(TUESDAY_EVENING)
    rounds = [(WORKSPACE, (await the_round(harness.bot.db)).round_id)]

    def robbed(evidence: bytes, keys: dict[str, bytes]) -> Loot:
        return attack(evidence, keys, rounds, MEMBERS, SENTINEL)

    await answer(harness, 7, clarity=2, trust=4, ego=5, comment=COMMENT)
    by_ben = Request(workspace_id=WORKSPACE, user_id=BEN, target_id=PHASE)
    for view_id in ("V1", "V2", "V3", "V4", "V5"):
        await raise_concern(
            harness.bot.services, by_ben, text=CONCERN, field="text", view_id=view_id
        )
    keys = keys_left(folder)
    before = await evidence_of(harness.bot.db, own_server)
    for part, evidence in before.items():
        loot = robbed(evidence, keys)
        assert SENTINEL not in evidence, part
        # In the log, the page boundaries cut a few values in two.
        assert (len(loot.voters) > 3, bool(loot.answers), bool(loot.texts)) == (True,) * 3, part
        assert not robbed(evidence, {id_: key for id_, key in keys.items() if key == KEY}), part

    await harness.travel_to(NEXT_WEEK_BEFORE_QUESTIONS)

    after = await evidence_of(harness.bot.db, own_server)
    for part, evidence in after.items():
        assert SENTINEL not in evidence, part
        assert not robbed(evidence, keys_left(folder)), part
    if own_server:  # the log still has everything; only the keys are gone
        assert len(robbed(after["log"], keys).voters) > 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_bot_does_not_start_without_a_usable_folder(
    settings: Settings, clock: AdjustableClock
) -> None:
    app = Imbalance(replace(settings, round_keys_dir=__file__), clock)
    try:
        with pytest.raises(StartupError, match="ROUND_KEYS_DIR cannot be used"):
            await app.start()
    finally:
        await app.stop()
