"""An app whose command has another name: it works, and every sentence names it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot
from bot.slack.command import NAME, InstalledName, installed
from tests.conftest import running_bot
from tests.harness import ANA, BEN, LAUNCH, PLATFORM, BotHarness
from tests.scenarios.lead import CLEAR, SPRINT, Lead, shown

RENAMED = "/lopsided"


@pytest.fixture(autouse=True)
def restored_name() -> Iterator[None]:
    yield
    installed.learn(NAME)


@pytest.fixture
def renamed(harness: BotHarness) -> BotHarness:
    harness.slack.core.manifest.commands[0]["command"] = RENAMED
    return harness


async def test_renamed_command_works_and_every_answer_names_it(renamed: BotHarness) -> None:
    await renamed.settle()
    ana = renamed.slack.as_user(ANA)
    for typed in ("help", "strat", "poll", "end", "extend", "status", "budget"):
        answer = await ana.command(f"{RENAMED} {typed}", LAUNCH)
        told = answer.text + shown(answer.body.get("blocks") or [])
        assert NAME not in told
        assert RENAMED in told or typed in ("status", "budget")

    lead = Lead(renamed)
    await ana.command(f"{RENAMED} start results 2w", LAUNCH)
    await lead.sends(**CLEAR)
    await lead.sends(**SPRINT)
    await lead.sends()
    assert lead.page == "Announced"
    assert "`/lopsided extend`" in (await ana.command(f"{RENAMED} start", LAUNCH)).text


async def test_name_is_known_after_a_restart_without_a_command(renamed: BotHarness) -> None:
    await renamed.slack.as_user(ANA).command(f"{RENAMED} help", LAUNCH)
    await renamed.bot.stop()
    installed.learn(NAME)
    async with running_bot(renamed.bot._settings, renamed.clock) as restarted:
        await renamed.slack.as_user(BEN).open_home()
        await restarted.catch_up()
        home = renamed.slack.as_user(BEN).home

    assert home is not None
    assert f"`{RENAMED} help`" in shown(home["blocks"])
    assert NAME not in shown(home["blocks"])


async def test_words_of_people_keep_the_name_they_typed(renamed: BotHarness) -> None:
    await renamed.settle()
    ana, lead = renamed.slack.as_user(ANA), Lead(renamed)
    await ana.command(f"{RENAMED} start results 2w Retire `/imbalance`", PLATFORM)
    assert "/imbalance" in shown(lead.blocks)
    await lead.sends(**CLEAR)

    assert lead.typed("start.text.milestone") == "Retire `/imbalance`"


@pytest.mark.parametrize("name", ["", "/", "no slash", "/with space", "/`x`", "/<!here>", None])
def test_unusable_name_is_not_taken(name: str | None) -> None:
    names = InstalledName()
    assert not names.learn(name)
    assert names.name == NAME


def test_every_sentence_writes_the_command_where_it_is_replaced() -> None:
    for file in Path(bot.__file__).parent.rglob("*.py"):
        if "playground" in file.parts or file.name == "command.py":
            continue
        for text in sentences(file):
            assert f" {NAME}" not in text.replace(f"`{NAME}", ""), (file.name, text)


def sentences(file: Path) -> Iterator[str]:
    """Yield the texts in a module, without docstrings."""
    tree = ast.parse(file.read_text("utf-8"))
    statements = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in statements:
            yield str(node.value)
