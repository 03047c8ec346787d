"""The environment of the measures: a folder, databases, servers, and sizes."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import ClientSession
from sqlalchemy.engine import make_url

from bot.agenda.slots import next_weekday, slot
from bot.clock import monotonic, real_now
from bot.settings import encode_key
from tests import postgres
from tests.bench.clients import SECRET
from tests.bench.processes import Child, free_port, process_tree_cpu_seconds
from tests.bench.sampling import shares
from tests.bench.world import KEY
from tests.databases import copy_of, sqlite_template

ENGINES = ("sqlite", "postgresql")
POST = "chat.postMessage"
#: The usual duration of a call to Slack.
CALL_SECONDS = 0.12
#: The wait for late duplicates.
SETTLING_SECONDS = 0.5
SAMPLED_SECONDS = 10.0
TUESDAY, TEN = 1, time(10, 0)


class SinkCall(NamedTuple):
    """A call that arrived at the sink."""

    method: str
    at: float  # monotonic
    which: str  # the id in the message's metadata, if any
    to: str  # the channel or person, if any
    ts: str  # of an accepted message


@dataclass(frozen=True, kw_only=True)
class Slack:
    """A client of the sink's control URLs."""

    child: Child
    session: ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.child.port}"

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    async def seen(self, method: str) -> list[SinkCall]:
        """The calls of a method, in order of arrival."""
        return [SinkCall(*one) for one in await self._get("_seen", method=method)]

    async def all_seen(self, since: int = 0) -> list[SinkCall]:
        """All calls from this index on."""
        return [SinkCall(*one) for one in await self._get("_seen", since=str(since))]

    async def count(self, method: str) -> int:
        return int(await self._get("_count", method=method))

    async def clear(self) -> None:
        await self._get("_clear")

    async def latency(self, seconds: float) -> None:
        await self._get("_latency", seconds=str(seconds))

    async def wait_for(self, method: str, count: int, seconds: float, every: float = 0.05) -> None:
        """Wait for this number of calls. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while await self.count(method) < count:  # noqa: ASYNC110 (in another process)
                await asyncio.sleep(every)

    async def wait_until(self, method: str, count: int, until: float, every: float) -> None:
        """Wait for this number of calls or until a time (monotonic)."""
        with suppress(TimeoutError):
            await self.wait_for(method, count, until - monotonic(), every)

    async def _get(self, path: str, **query: str) -> Any:
        async with self.session.get(f"{self.url}/{path}", params=query) as answer:
            return await answer.json()


class Bench:
    """One run of the benchmark. Everything it starts is stopped by `close`."""

    def __init__(
        self, folder: Path, *, quick: bool, alone: bool, progress: Callable[[str], None]
    ) -> None:
        self.folder = folder
        self.quick = quick
        self.alone = alone  # a single measure need not hurry
        self.progress = progress
        #: A time at which direct messages may be sent. The clock of `tests.bench.bot_process`
        #: starts there, while `python -m bot run` uses the clock of the machine.
        self.business_time = slot(next_weekday(real_now().date(), TUESDAY), TEN, "UTC")
        self._stack = ExitStack()
        self._postgres: postgres.Server | None = None
        self._template: Path | None = None
        self._making = asyncio.Lock()

    def close(self) -> None:
        self._stack.close()

    def size(self, full: int, quick: int) -> int:
        """A size for a full or for a quick run."""
        return quick if self.quick else full

    @property
    def postgres(self) -> postgres.Server:
        """A durable server, started on first use."""
        if self._postgres is None:
            self._postgres = self._stack.enter_context(postgres.server(durable=True))
        return self._postgres

    def postgres_cpu_seconds(self) -> float:
        """Processor time of the server so far; 0 if it is not our own process."""
        server = self.postgres
        return (
            process_tree_cpu_seconds(server.pid) if isinstance(server, postgres.OwnServer) else 0.0
        )

    @property
    def postgres_version(self) -> str:
        return str(self._postgres.version) if self._postgres else "not used"

    @asynccontextmanager
    async def database(self, engine: str) -> AsyncIterator[str]:
        """The URL of a migrated, empty database on disk."""
        if engine == "sqlite":
            home = self.folder / f"sqlite-{free_port()}"
            home.mkdir()
            yield copy_of(await self._sqlite_template(), home / "imbalance.db")
            shutil.rmtree(home, ignore_errors=True)
            return
        url = self.postgres.create(await self.postgres_template())
        yield url
        self.postgres.drop(url)

    async def postgres_template(self) -> str:
        """The name of an empty, migrated database."""
        return await asyncio.to_thread(self.postgres.migrated_template)

    def copy_of(self, url: str) -> str:
        """Create a copy of a database. No connection to the original may be open."""
        return self.postgres.create(make_url(url).database)

    async def _sqlite_template(self) -> Path:
        async with self._making:  # measures run concurrently
            if self._template is None:
                self._template = await asyncio.to_thread(sqlite_template, self.folder)
            return self._template

    # --- servers ----------------------------------------------------------------------------

    @asynccontextmanager
    async def slack(self) -> AsyncIterator[Slack]:
        port = free_port()
        with self.child(["tests.bench.sink", str(port)], port) as child:
            await child.ready()
            async with ClientSession() as session:
                yield Slack(child=child, session=session)

    def bot(
        self,
        slack_api: str,
        database: str,
        *arguments: str,
        port: int | None = None,
        clock_at: float | None = None,
        keys: Sequence[bytes] = (KEY,),
    ) -> AbstractContextManager[Child]:
        """Run `python -m bot run --http` or, with arguments, `python -m ...` with our settings.

        `clock_at` is when (monotonic) the clock of `tests.bench.bot_process` shows business time.
        """
        port = port or free_port()
        environ = {
            "SLACK_BOT_TOKEN": "xoxb-playground",
            "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_API_URL": slack_api,
            "DATABASE_URL": database,
            "IMBALANCE_KEYS": ",".join(map(encode_key, keys)),
            "HTTP_PORT": str(port),
            "METRICS_PORT": str(free_port()),
            "BENCH_CLOCK": self.business_time.isoformat(),
            "BENCH_CLOCK_AT": str(monotonic() if clock_at is None else clock_at),
        }
        return self.child([*(arguments or ("bot", "run", "--http"))], port, environ)

    def nothing(
        self, slack_api: str, *, before_response: bool = False
    ) -> AbstractContextManager[Child]:
        port = free_port()
        mode = "before_response" if before_response else "default"
        return self.child(["tests.bench.empty_app", str(port), slack_api, SECRET, mode], port)

    @contextmanager
    def child(
        self, arguments: list[str], port: int, environ: dict[str, str] | None = None
    ) -> Iterator[Child]:
        """Run a process, and stop it after the block."""
        child = Child(arguments, port=port, folder=self.folder, environ=environ)
        try:
            yield child
        except Exception:
            self.progress(f"{' '.join(arguments[:3])} ended its log with:\n{child.end_of_log()}")
            raise
        finally:
            child.stop()

    async def sampled(self, child: Child, during: Callable[[], Any]) -> str:
        """Sample `tests.bench.bot_process` during some work. Returns a description."""
        file = self.folder / f"samples-{child.port}.json"
        child.send_line("sample")
        await during()
        child.send_line(f"sampled {file}")
        with suppress(TimeoutError):
            async with asyncio.timeout(SAMPLED_SECONDS):
                while not file.exists():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                return shares(json.loads(file.read_text()))
        return "nothing was sampled"


def now() -> datetime:
    """The machine's time, which `python -m bot run` uses."""
    return real_now()
