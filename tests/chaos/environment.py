"""What scenarios are played with: children to kill, databases to spoil."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from bot.db.migrate import migrate
from tests import postgres
from tests.chaos import whole_bot
from tests.chaos.fork_server import Life, Zygote, zygote
from tests.chaos.run import Result, Scenario, run
from tests.chaos.whole_bot_run import Whole


class Stagehand:
    """Gives each scenario a new migrated database and plays it."""

    def __init__(self, mother: Zygote, folder: Path, server: postgres.OwnServer) -> None:
        self._mother = mother
        self.folder = folder
        self.server = server
        self._numbers = count()
        self._template = folder / "template.db"
        asyncio.run(migrate(f"sqlite:///{self._template}"))
        self._migrated = server.template("chaos", lambda url: asyncio.run(migrate(url)))

    def play(self, engine: str, scenario: Scenario, seed: int) -> Result:
        """Play it once, from nothing."""
        with self._database(engine) as url:
            return asyncio.run(run(self._mother, scenario, url, seed))

    def play_whole(self, engine: str, scenario: Whole, seed: int) -> whole_bot.Outcome:
        """The same, where the mother's children are whole bots."""
        with self._database(engine) as url:
            return asyncio.run(whole_bot.run(self._mother, scenario, url, seed))

    @contextmanager
    def _database(self, engine: str) -> Iterator[str]:
        if engine == "sqlite":
            file = self.folder / f"{next(self._numbers)}.db"
            shutil.copy(self._template, file)
            yield f"sqlite:///{file}"
            return
        url = self.server.create(self._migrated)
        try:
            yield url
        finally:
            self.server.drop(url)


@contextmanager
def stage(live: Life) -> Iterator[Stagehand]:
    """The zygote comes first: it must know no thread. What is committed survives a crash."""
    with ExitStack() as things:
        mother = things.enter_context(zygote(live))
        folder = Path(things.enter_context(tempfile.TemporaryDirectory(prefix="chaos")))
        server = things.enter_context(postgres.own_server(postgres.binaries(), durable=True))
        yield Stagehand(mother, folder, server)
