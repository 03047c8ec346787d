"""compose.yaml: the bot's role in PostgreSQL, and the volume of the round keys."""

import os
import re
import subprocess
from textwrap import dedent

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bot.db.migrate import migrate
from tests import postgres
from tests.docs.reading import text

PASSWORD = 'it\'s @ /:%# "secret" $HOME \\\\'


def role_script() -> str:
    """Return the script that makes the role, as Compose writes it into the container."""
    content = text("compose.yaml").split("content: |\n")[1].split("\n\n")[0]
    return dedent(content).replace("$$", "$")


async def test_role_of_the_bot_owns_its_database_and_nothing_else(
    postgres_server: postgres.Server,
) -> None:
    if not isinstance(postgres_server, postgres.OwnServer):
        pytest.skip("roles are made on a server of the tests only")
    home = str(postgres_server.home)
    environment = {
        "PATH": f"{postgres.binaries()}:{os.defpath}",
        "PGHOST": home,
        "POSTGRES_PASSWORD": PASSWORD,
    }
    subprocess.run(["bash", "-e"], input=role_script(), text=True, env=environment, check=True)  # noqa: ASYNC221
    url = make_url("postgresql://imbalance@/imbalance").update_query_dict({"host": home})
    admin = psycopg.connect(host=home, user="postgres", dbname="postgres", autocommit=True)
    try:
        await migrate(url.render_as_string())
        (rights,) = admin.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles "
            "WHERE rolname = 'imbalance'"
        )
        assert rights == (False, False, False, False)
        stored: dict[str, str | None] = dict(
            admin.execute("SELECT rolname, rolpassword FROM pg_authid").fetchall()
        )
        assert stored["postgres"] is None
        assert str(stored["imbalance"]).startswith("SCRAM-SHA-256$")
    finally:
        admin.execute("DROP DATABASE IF EXISTS imbalance WITH (FORCE)")
        admin.execute("DROP ROLE IF EXISTS imbalance")
        admin.close()


def test_password_is_no_part_of_the_url() -> None:
    (url,) = re.findall(r"DATABASE_URL: (\S+)", text("compose.yaml"))

    assert url == "postgresql://imbalance@db/imbalance"


def test_round_keys_have_a_volume_of_their_own_with_a_folder_of_the_bot_in_the_image() -> None:
    compose, image = text("compose.yaml"), text("Dockerfile")
    (folder,) = re.findall(r"ROUND_KEYS_DIR: (\S+)", compose)

    assert f"volumes: [round-keys:{folder}]" in compose
    assert re.search(rf"install -d -o imbalance .*-m 0700 .*{folder}\b", image)
