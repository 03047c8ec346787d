"""A wrong DATABASE_URL as an operator meets it: the real commands say so and print no secret."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from bot.db.engine import Database
from tests.operations.stuck_messages import Said, command

SECRET = "Zq7Xv9Kj"
DOCTOR, RUN, MIGRATE = ("doctor",), ("run",), ("migrate",)
OTHERS = [("outbox", "list"), ("verify-slack", "--to", "C0123456789"), ("run", "--migrate")]


async def said_by(arguments: tuple[str, ...], url: str) -> Said:
    """The output at the most talkative, where no Slack is reached."""
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
    """What each command printed; each refused, in sentences and without the secret."""
    outputs = []
    for said in await asyncio.gather(*(said_by(arguments, url) for arguments in commands)):
        output = said.out + said.err
        assert said.code == 1
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
async def test_it_is_refused_before_anything_is_tried(url: str) -> None:
    for output in await refusals(url, DOCTOR, RUN, MIGRATE):
        assert output.count("DATABASE_URL") == 1
        assert "connect" not in output


async def test_every_other_command_refuses_it() -> None:
    url = f"postgresql://bot:p@{SECRET}@127.0.0.1:9/db"

    for output in await refusals(url, *OTHERS):
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
async def test_what_only_the_driver_can_tell_is_said_without_its_words(url: str) -> None:
    for output in await refusals(url, DOCTOR, RUN):
        assert "heck DATABASE_URL" in output


@pytest.mark.parametrize("path", ["file/imbalance.db", f"{'n' * 300}.db"])
async def test_a_file_that_cannot_be_one_is_a_sentence(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")

    url = f"sqlite:///{tmp_path}/{path}"

    for output in await refusals(url, RUN, MIGRATE):
        assert "The database file of DATABASE_URL cannot be opened" in output
    await refusals(url, DOCTOR, ("outbox", "list"))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_schema_that_is_missing_is_a_sentence(db: Database, database_url: str) -> None:
    url = make_url(database_url).update_query_dict({"schema": "elsewhere"})
    elsewhere = url.render_as_string(hide_password=False)

    (output,) = await refusals(elsewhere, MIGRATE)
    assert "in a schema that exists" in output

    async with db.transaction() as tx:
        await tx.execute(text("CREATE SCHEMA elsewhere"))
    assert (await said_by(MIGRATE, elsewhere)).code == 0
    async with db.reading() as reader:
        assert await reader.scalar(text("SELECT version_num FROM elsewhere.alembic_version"))
