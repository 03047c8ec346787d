"""Every setting is explained in .env.example and listed on the configuration page."""

import re
from pathlib import Path

import pytest

from bot import settings
from tests.docs.reading import section, text

#: Commented out where the image has another default, which the line would override.
ASSIGNED = re.compile(r"^#?([A-Z_]+)=(.*)$", re.M)
#: Read by compose.yaml, which passes it to PostgreSQL.
NOT_OURS = {"POSTGRES_PASSWORD"}


def documented() -> dict[str, str]:
    """Each setting of the configuration page with its default; empty where it has none."""
    tables = section("docs/configuration.md", "Settings")
    rows = re.findall(r"^\| `([A-Z_]+)` \|([^|]*)\|", tables, re.M)
    return {name: default.strip().strip("`") for name, default in rows}


@pytest.mark.parametrize("name", settings.names())
def test_every_setting_is_explained_in_env_example(name: str):
    assert re.search(rf"^# .+\n(?:[A-Z_]+=.*\n)?#?{name}=", text(".env.example"), re.M)


def test_configuration_page_lists_exactly_the_settings():
    assert sorted(documented()) == sorted(settings.names())


@pytest.mark.parametrize("name", settings.names())
def test_configuration_page_gives_the_default(name: str):
    """The value in .env.example is the default: `test_env_example_holds_the_defaults`."""
    assert documented()[name] == dict(ASSIGNED.findall(text(".env.example")))[name]


def test_env_example_names_nothing_but_settings():
    assert {name for name, _ in ASSIGNED.findall(text(".env.example"))} == {
        *settings.names(),
        *NOT_OURS,
    }


def test_env_example_holds_the_defaults(tmp_path: Path):
    file = tmp_path / ".env"
    file.write_text(ASSIGNED.sub(r"\1=\2", text(".env.example")), encoding="utf-8")

    assert repr(settings.load({}, file)) == repr(settings.Settings())


def test_copy_of_env_example_keeps_the_settings_of_the_image():
    copied = dict(re.findall(r"^([A-Z_]+)=(.*)$", text(".env.example"), re.M))
    image = dict(re.findall(r"^ +([A-Z_]+)=(\S+)", text("Dockerfile"), re.M))

    assert {"DATABASE_URL", "LOG_FORMAT", "METRICS_PORT"} <= image.keys()
    assert {name: copied.get(name, value) for name, value in image.items()} == image


def test_compose_passes_only_existing_settings():
    block = text("compose.yaml").split("environment:")[1].split("depends_on")[0]

    of_postgresql = {"PGPASSWORD"}
    assert set(re.findall(r"^ +([A-Z_]+):", block, re.M)) <= {*settings.names(), *of_postgresql}
