"""Each setting is in .env.example with a line on what it is, and in the README's table."""

import re
from pathlib import Path

import pytest

from bot import settings
from tests.docs.reading import section, text

#: With a # before it where the image has another default, which it would hide.
ASSIGNED = re.compile(r"^#?([A-Z_]+)=(.*)$", re.M)
#: Read by compose.yaml, which hands it to PostgreSQL.
NOT_OURS = {"POSTGRES_PASSWORD"}


@pytest.mark.parametrize("name", settings.names())
def test_every_setting_is_explained_in_the_example(name: str):
    assert re.search(rf"^# .+\n(?:[A-Z_]+=.*\n)?#?{name}=", text(".env.example"), re.M)


@pytest.mark.parametrize("name", settings.names())
def test_every_setting_is_in_the_readme(name: str):
    assert f"| `{name}` |" in section("Configuration")


def test_the_example_names_nothing_else():
    assert {name for name, _ in ASSIGNED.findall(text(".env.example"))} == {
        *settings.names(),
        *NOT_OURS,
    }


def test_the_example_holds_the_defaults(tmp_path: Path):
    file = tmp_path / ".env"
    file.write_text(ASSIGNED.sub(r"\1=\2", text(".env.example")), encoding="utf-8")

    assert repr(settings.load({}, file)) == repr(settings.Settings())


def test_a_copy_of_the_example_changes_nothing_that_the_image_sets():
    copied = dict(re.findall(r"^([A-Z_]+)=(.*)$", text(".env.example"), re.M))
    image = dict(re.findall(r"^ +([A-Z_]+)=(\S+)", text("Dockerfile"), re.M))

    assert {"DATABASE_URL", "LOG_FORMAT", "METRICS_PORT"} <= image.keys()
    assert {name: copied.get(name, value) for name, value in image.items()} == image


def test_compose_hands_over_only_what_is_read():
    block = text("compose.yaml").split("environment:")[1].split("depends_on")[0]

    assert set(re.findall(r"^ +([A-Z_]+):", block, re.M)) <= set(settings.names())
