"""Each setting is in .env.example with a line on what it is, and in the README's table."""

import re

import pytest

from bot import settings
from tests.docs.reading import ROOT, section, text

ASSIGNED = re.compile(r"^([A-Z_]+)=(.*)$", re.M)
#: Read by compose.yaml, which hands it to PostgreSQL.
NOT_OURS = {"POSTGRES_PASSWORD"}


@pytest.mark.parametrize("name", settings.names())
def test_every_setting_is_explained_in_the_example(name: str):
    assert re.search(rf"^# .+\n(?:[A-Z_]+=.*\n)?{name}=", text(".env.example"), re.M)


@pytest.mark.parametrize("name", settings.names())
def test_every_setting_is_in_the_readme(name: str):
    assert f"| `{name}` |" in section("Configuration")


def test_the_example_names_nothing_else():
    assert {name for name, _ in ASSIGNED.findall(text(".env.example"))} == {
        *settings.names(),
        *NOT_OURS,
    }


def test_the_example_holds_the_defaults():
    example = settings.load({}, ROOT / ".env.example")

    assert repr(example) == repr(settings.Settings())


def test_compose_hands_over_only_what_is_read():
    block = text("compose.yaml").split("environment:")[1].split("depends_on")[0]

    assert set(re.findall(r"^ +([A-Z_]+):", block, re.M)) <= set(settings.names())
