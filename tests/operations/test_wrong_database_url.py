"""With a wrong DATABASE_URL the real commands explain the problem and print no secret."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from bot.db.engine import Database
from tests.forked_bot import CommandResult
from tests.operations.stuck_messages import command

SECRET = "Zq7Xv9Kj"
DOCTOR, RUN, MIGRATE = ("doctor",), ("run",), ("migrate",)
OTHER_COMMANDS = [("outbox", "list"), ("verify-slack", "--to", "C0123456789"), ("run", "--migrate")]


async def run(arguments: tuple[str, ...], url: str) -> CommandResult:
    """Run a command with the most verbose log, and without a reachable Slack."""
    return await command(
        url,
        *arguments,
        SLACK_BOT_TOKEN="xoxb-1",
        SLACK_APP_TOKEN="xapp-1",
        SLACK_API_URL="http://127.0.0.1:9/api/",
        METRICS_PORT="0",
        LOG_LEVEL="DEBUG",
    )


async def refusals(url: str, *commands: tuple[str, ...]) -> list[str]:
    """Check that each command fails without traceback or secret. Returns their outputs."""
    outputs = []
    for result in await asyncio.gather(*(run(arguments, url) for arguments in commands)):
        output = result.out + result.err
        assert result.code == 1
        assert "Traceback" not in output
        assert SECRET not in output
        outputs.append(output)
    return outputs


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://bot:hunter@2:{SECRET}@127.0.0.1:9/db",
        f"postgresql://bot:p@{SECRET}@127.0.0.1:9/db",
        f"postgresql://bot:1/{SECRET}@127.0.0.1:9/db",
        f"postgresql://bot:{SECRET}%@127.0.0.1:9/db",
        f"postgresql://bot:pw@127.0.0.1:9/db?unheard_of={SECRET}",
        f"sqlite://bot:{SECRET}@127.0.0.1/db",
    ],
)
async def test_malformed_url_is_refused_before_connecting(url: str) -> None:
    for output in await refusals(url, DOCTOR, RUN, MIGRATE):
        assert output.count("DATABASE_URL") == 1
        assert "connect" not in output


async def test_malformed_url_is_refused_by_all_other_commands() -> None:
    url = f"postgresql://bot:p@{SECRET}@127.0.0.1:9/db"

    for output in await refusals(url, *OTHER_COMMANDS):
        assert "must be percent-encoded" in output


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://bot:the-host-is-forgotten@{SECRET}.invalid/db",
        f"postgresql://bot:pw@127.0.0.1:9/db?connect_timeout={SECRET}",
        f"postgresql://bot:pw@127.0.0.1:9/db?keepalives={SECRET}",
        f"postgresql://bot:pw@/db?hostaddr={SECRET}",
        f"postgresql://bot:pw@/db?service={SECRET}",
        f"postgresql://bot:pw@/db?host=%2F{SECRET}",
    ],
)
async def test_driver_errors_are_reported_without_their_text(url: str) -> None:
    for output in await refusals(url, DOCTOR, RUN):
        assert "DATABASE_URL" in output


@pytest.mark.parametrize("path", ["file/imbalance.db", f"{'n' * 300}.db"])
async def test_unusable_sqlite_path_is_explained(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")

    url = f"sqlite:///{tmp_path}/{path}"

    for output in await refusals(url, RUN, MIGRATE):
        assert "The database file of DATABASE_URL cannot be opened" in output
    await refusals(url, DOCTOR, ("outbox", "list"))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_missing_schema_is_explained(db: Database, database_url: str) -> None:
    url = make_url(database_url).update_query_dict({"schema": "elsewhere"})
    elsewhere = url.render_as_string(hide_password=False)

    (output,) = await refusals(elsewhere, MIGRATE)
    assert "in a schema that exists" in output

    async with db.transaction() as tx:
        await tx.execute(text("CREATE SCHEMA elsewhere"))
    assert (await run(MIGRATE, elsewhere)).code == 0
    async with db.reading() as reader:
        assert await reader.scalar(text("SELECT version_num FROM elsewhere.alembic_version"))
