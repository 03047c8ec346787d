"""The tests' PostgreSQL server keeps databases apart."""

import psycopg
from sqlalchemy.engine import make_url

from tests.postgres import Server


def connect(url: str) -> psycopg.Connection:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def build(url: str) -> None:
    with connect(url) as connection:
        connection.execute("CREATE TABLE things (name text)")


def count(url: str) -> int:
    with connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM things").fetchone()
    assert row
    return row[0]


def test_databases_from_one_template_are_independent(postgres_server: Server):
    template = postgres_server.template("things", build)
    mine, yours = postgres_server.create(template), postgres_server.create(template)

    with connect(mine) as connection:
        connection.execute("INSERT INTO things VALUES ('mine')")

    assert (count(mine), count(yours)) == (1, 0)
    postgres_server.drop(mine)
    postgres_server.drop(yours)


def test_server_version_is_supported(postgres_server: Server):
    assert postgres_server.version >= 14
