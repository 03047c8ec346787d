"""The environment of scenarios: a fork server, databases, and a PostgreSQL server to crash."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from tests import postgres
from tests.chaos import whole_bot
from tests.chaos.fork_server import ChildMain, ForkServer, fork_server
from tests.chaos.run import Result, Scenario, run
from tests.chaos.whole_bot_run import WholeBotScenario
from tests.databases import copy_of, sqlite_template


class ScenarioPlayer:
    """Runs each scenario on a new, migrated database."""

    def __init__(self, children: ForkServer, folder: Path, server: postgres.OwnServer) -> None:
        self._fork_server = children
        self.folder = folder
        self.server = server
        self._file_numbers = count()
        self._sqlite_template = sqlite_template(folder)
        self._postgresql_template = server.migrated_template()

    def play(self, engine: str, scenario: Scenario, seed: int) -> Result:
        """Run a scenario once, on an empty database."""
        with self._database(engine) as url:
            return asyncio.run(run(self._fork_server, scenario, url, seed))

    def play_whole(
        self, engine: str, scenario: WholeBotScenario, seed: int
    ) -> whole_bot.WholeBotResult:
        """Run a scenario whose processes are whole bots."""
        with self._database(engine) as url:
            return asyncio.run(whole_bot.run(self._fork_server, scenario, url, seed))

    @contextmanager
    def _database(self, engine: str) -> Iterator[str]:
        if engine == "sqlite":
            yield copy_of(self._sqlite_template, self.folder / f"{next(self._file_numbers)}.db")
            return
        url = self.server.create(self._postgresql_template)
        try:
            yield url
        finally:
            self.server.drop(url)


@contextmanager
def scenario_player(child_main: ChildMain) -> Iterator[ScenarioPlayer]:
    """Start the fork server first, before any thread exists, then a durable PostgreSQL."""
    with ExitStack() as stack:
        children = stack.enter_context(fork_server(child_main))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos")))
        server = stack.enter_context(postgres.own_server(postgres.binaries(), durable=True))
        yield ScenarioPlayer(children, folder, server)
