"""DATABASE_URL is read unambiguously, or rejected with an error that reveals no part of it."""

import string
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.engine import make_url

from bot.db.connections import engine_arguments
from bot.db.engine import Database
from bot.settings import SettingsError, load

#: Letters that appear in this order in no error message.
SECRET = "Zq7Xv9Kj"
MUST_BE_ENCODED = "must be percent-encoded (@ as %40, : as %3A, / as %2F)"


def read(written: str) -> str:
    return load({"DATABASE_URL": written}).database_url


def error_message(written: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(written)
    (found,) = caught.value.mistakes
    return found


def unescaped_urls() -> list[tuple[str, str]]:
    """URLs with each unescaped reserved character in the password or the user name."""
    found = []
    for character in "@/?#:[]":
        for secret in (f"{SECRET}{character}{SECRET}", f"1{character}{SECRET}"):
            found += [(f"postgresql://bot:{secret}@host/db", MUST_BE_ENCODED)]
    for character in "@/?#[]":
        found += [(f"postgresql://{SECRET}{character}x:pw@host/db", MUST_BE_ENCODED)]
    return found


@pytest.mark.parametrize(
    ("written", "message"),
    [
        *unescaped_urls(),
        (f"postgresql://bot:hunter@2:{SECRET}@host/db", MUST_BE_ENCODED),
        (f"postgresql://bot:{SECRET}%@host/db", "write a % itself as %25"),
        (f"postgresql://bot:{SECRET}%ff@host/db", "write a % itself as %25"),
        (f"postgresql://bot:{SECRET}%00@host/db", "write a % itself as %25"),
        (f"postgresql://bot:{SECRET} x@host/db", "a space as %20"),
        (f"postgresql://bot:{SECRET}\nx@host/db", "a line break"),
        (f"postgresql://bot:{SECRET}\udcff@host/db", "cannot be printed"),
        (f"postgresql://bot:{SECRET}", "the port must be a number"),
        (f"postgresql://bot:pw@host:{SECRET}/db", "the port must be a number"),
        ("postgresql://bot:pw@host:70000/db", "from 1 to 65535"),
        ("postgresql://bot:pw@host:0/db", "from 1 to 65535"),
        (f"postgresql://bot:pw@host:{'9' * 5000}/db", "from 1 to 65535"),
        (f"postgresql://bot:{SECRET}@/db", "names no host"),
        (f"postgresql://bot:{SECRET}@:5432/db", "names no host"),
        (f"postgresql://bot:{SECRET}@host", "names no database"),
        (f"postgresql://bot:{SECRET}@host/", "names no database"),
        (f"postgresql://:{SECRET}@host/db", "no user name"),
        (f"postgresql://bot:pw@{SECRET}..host/db", "the host is not a valid name"),
        (f"postgresql://bot:pw@{'h' * 64}/db", "the host is not a valid name"),
        (f"postgresql://bot:pw@[{SECRET}]/db", "the host is not a valid name"),
        (f"postgresql://bot:{SECRET}@one,two/db", "several hosts are written"),
        (f"postgresql://bot:{SECRET}@one:1,two:2/db", "several hosts are written"),
        (f"postgresql://bot:pw@/db?host=a:{SECRET}&host=b", "several hosts are written"),
        (f"postgresql://bot:pw@/db?host=a&port={SECRET}", "several hosts are written"),
        (f"postgresql://bot:pw@host/db?password={SECRET}", "password is given twice"),
        (f"postgresql:bot:{SECRET}@host/db", "must be written as postgresql://"),
        (f"postgresql+pg8000://bot:{SECRET}@host/db", "a driver that is not supported"),
        (f"mysql://bot:{SECRET}@host/db", "must begin with"),
        (f"xoxb-{SECRET}", "must begin with"),
        (f'"postgresql://bot:{SECRET}@host/db"', "quotation marks"),
        (f"'postgresql://bot:{SECRET}@host/db'", "quotation marks"),
        (f"sqlite:{SECRET}.db", "names no SQLite file"),
        (f"sqlite://{SECRET}.db", "names no SQLite file"),
        (f"sqlite://bot:{SECRET}@host/db", "names no SQLite file"),
        ("sqlite://", "names no SQLite file"),
        ("sqlite:///", "names no SQLite file"),
        ("sqlite:///data/", "names no SQLite file"),
        ("sqlite:///:memory:", "names no SQLite file"),
        (f"sqlite:///x.db?key={SECRET}", "takes no parameters"),
        ("sqlite:////srv/100%/x.db", "write a % itself as %25"),
        (f"sqlite+pysqlcipher://:{SECRET}@/x.db", "a driver that is not supported"),
    ],
)
def test_invalid_url_error_explains_without_revealing_the_value(written: str, message: str):
    found = error_message(written)

    assert message in found
    assert found.startswith("DATABASE_URL")
    assert SECRET not in found


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (f"unheard_of={SECRET}", "the parameter unheard_of is unknown"),
        (f"prepare_threshold={SECRET}", "the parameter prepare_threshold is unknown"),
        (f"ssl={SECRET}", "the parameter ssl must be one of"),
        (f"sslmode={SECRET}", "the parameter sslmode must be one of"),
        (f"pgbouncer={SECRET}", "the parameter pgbouncer must be one of true, false"),
        (f"schema={SECRET} -c x", "a space as %20"),
        (f"schema={SECRET}+-c+x", "schema must be one name"),
        ("schema=a&schema=b", "schema is given twice"),
        ("ssl=require&sslmode=disable", "sslmode is given twice"),
        (SECRET, "name=value"),
        (f"options={SECRET}%", "write a % itself as %25"),
        (f"sslpassword=ab&{SECRET}=1", "has an unknown parameter"),
        (f"application_name=x&{SECRET}@x=1", MUST_BE_ENCODED),
        (f"{SECRET}%40x=1", "has an unknown parameter"),
    ],
)
def test_invalid_parameter_error_does_not_reveal_its_value(query: str, message: str):
    found = error_message(f"postgresql://bot:pw@host/db?{query}")

    assert message in found
    assert SECRET not in found


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("postgres://me@host/db", "postgresql://me@host/db"),
        ("POSTGRESQL://me:pw@host:5432/db", "postgresql://me:pw@host:5432/db"),
        ("postgresql+asyncpg://me@host/db", "postgresql://me@host/db"),
        ("postgresql+psycopg2://me@host:/db", "postgresql://me@host/db"),
        (" \npostgresql://me@host/db\n", "postgresql://me@host/db"),
        ("postgresql://me@[::1]:5432/db", "postgresql://me@[::1]:5432/db"),
        ("postgresql://me@my_db-1.example.org/db", "postgresql://me@my_db-1.example.org/db"),
        ("postgresql:///db", "postgresql:///db"),
        ("postgresql://me@/db?host=/run/pg", "postgresql://me@/db?host=%2Frun%2Fpg"),
        ("postgresql://host/db?ssl=require", "postgresql://host/db?sslmode=require"),
        ("postgresql://host/db?ssl=true", "postgresql://host/db?sslmode=require"),
        ("postgresql://host/db?sslmode=verify-full", "postgresql://host/db?sslmode=verify-full"),
        ("postgresql://host/db?connection_limit=5&pool_timeout=0", "postgresql://host/db"),
        ("postgresql://host/db?pgbouncer=false&schema=", "postgresql://host/db"),
        ("postgresql://host/db?application_name=x", "postgresql://host/db?application_name=x"),
        ("sqlite+aiosqlite:///x.db", "sqlite:///x.db"),
        ("SQLite:////srv/a b/100%25/x.db", "sqlite:////srv/a b/100%25/x.db"),
        ("", "sqlite:///data/imbalance.db"),
        (" \n", "sqlite:///data/imbalance.db"),
    ],
)
def test_common_url_variants_are_normalized(written: str, expected: str):
    assert read(written) == expected


def test_multiple_hosts_reach_the_driver():
    url = make_url(read("postgresql://bot:pw@/db?host=one:5432&host=two:5433"))

    assert driver_arguments(url.render_as_string(hide_password=False)) == {
        "user": "bot",
        "password": "pw",
        "dbname": "db",
        "host": "one,two",
        "port": "5432,5433",
    }


def driver_arguments(url: str) -> dict[str, object]:
    made = make_url(url).set(drivername="postgresql+psycopg")
    _, found = made.get_dialect()().create_connect_args(made)
    return {name: value for name, value in found.items() if name != "context"}


PASSWORDS = st.one_of(
    st.text(alphabet=f"{string.punctuation}ZQXVKJ789 \n\té€\udcff", max_size=30),
    st.lists(st.sampled_from([SECRET, *"@:/?#%[]&= ", "%40", "%zz", "Q=", "1"])).map("".join),
)


@given(password=PASSWORDS)
@example(password=f"hunter@2:{SECRET}")
@example(password=f"p@{SECRET}")
@example(password=f"1/x?{SECRET}=y")
def test_unescaped_password_is_read_exactly_or_rejected(password: str):
    url, message = "", ""
    try:
        url = read(f"postgresql://bot:{password}@host.example/db")
    except SettingsError as error:
        message = str(error)

    pieces = {password[at : at + 4] for at in range(len(password) - 3)}
    assert [piece for piece in pieces if piece in message] == []
    if url:
        expected = {"user": "bot", "host": "host.example", "dbname": "db"}
        assert {"password": ""} | driver_arguments(url) == (
            expected | {"password": unquote(password)}
        )


@given(user=st.text(min_size=1), password=st.text())
def test_escaped_password_is_read_exactly(user: str, password: str):
    user, password = user.replace("\0", "x"), password.replace("\0", "x")

    found = driver_arguments(read(f"postgresql://{quote(user, '')}:{quote(password, '')}@host/db"))

    assert (found["user"], found.get("password", "")) == (user, password)
    assert (found["host"], found["dbname"]) == ("host", "db")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("query", "search_path", "timeout", "prepared"),
    [
        ("", '"$user", public', "20s", True),
        ("schema=Other", '"Other"', "20s", True),
        ("pgbouncer=true", '"$user", public', "0", False),
        ("pgbouncer=true&schema=Other", '"Other"', "0", False),
        ("statement_cache_size=0", '"$user", public', "20s", False),
        ("options=-cstatement_timeout%3D7s&schema=Other", '"Other"', "7s", True),
    ],
)
async def test_provider_parameters_take_effect_on_the_connection(
    database_url: str, query: str, search_path: str, timeout: str, prepared: bool
) -> None:
    db = Database(read(database_url + ("&" if "?" in database_url else "?") + query))
    try:
        async with db.reading() as reader:
            assert await reader.scalar(text("SHOW search_path")) == search_path
            assert await reader.scalar(text("SHOW statement_timeout")) == timeout
            driver = (await reader.get_raw_connection()).driver_connection
            assert driver is not None
            assert (driver.prepare_threshold is not None) is prepared
    finally:
        await db.close()


def test_pgbouncer_changes_only_options_and_prepared_statements():
    plain = engine_arguments(make_url("postgresql://host/db"))["connect_args"]
    pooled = engine_arguments(make_url("postgresql://host/db?pgbouncer=true"))["connect_args"]

    assert plain.keys() - pooled.keys() == {"options"}
    assert pooled.keys() - plain.keys() == {"prepare_threshold"}
