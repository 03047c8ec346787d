"""The command line: `python -m bot --help`.

Each command imports what it needs when it is called, so that `run` starts quickly.
"""

import argparse
import asyncio
import gc
import os
import shutil
import signal
import sys
import webbrowser
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bot import __version__
from bot.clock import AdjustableClock, Clock, random_bytes, real_now
from bot.operations import outbox_arguments
from bot.resources import MANIFEST
from bot.settings import NotStarted, Settings, SettingsError, encode_key, load

if TYPE_CHECKING:
    from bot.app import Imbalance
    from bot.playground.server import FakeSlack

MAX_PORT = 65535
NOT_A_PORT = "must be a number from 0 to 65535"
AT_REVISION = "The database is at revision {revision}."
AT_BASE = "The database is at base: it has none of Imbalance's tables."
#: The exit code of a program that wrote to a closed pipe, as shells report it.
PIPE_CLOSED = 141
BEHIND = "The database is not at this version's schema. Run `python -m bot migrate` first."
VERIFY_ONE = (
    "verify-slack tries one workspace: run it with that workspace's SLACK_BOT_TOKEN, and without "
    "IMBALANCE_CLIENT_ID."
)
NOT_STARTED = "Nothing was started."
LEFT_SECONDS = 0.5
#: What the bot writes, such as an SQLite file and its log, is for its own user alone.
OWNER_ONLY = 0o077
PORT_TAKEN = "Port {port} is in use. Choose another one: make playground PORT=8766"
THREE_PORTS = (
    "With two workspaces, --port must be from 1 to 65533: the two next ports are used as well."
)
PLAYGROUND = Path("data/playground")
#: With two workspaces it keeps its data apart: they need tokens that the other kind cannot read.
PLAYGROUND_OF_TWO = Path("data/playground-of-two")
BUILDING = "\rBuilding the example: day {done} of {total}"
PLAYGROUND_RUNS = (
    "Another playground runs in this folder, and they cannot share {file}. Stop it, or start this "
    "one in another folder and on another port."
)
LONGEST_LEAP = timedelta(days=60)
#: Net new objects before Python runs garbage collection. Its default of 700 is half of what one
#: answer creates, and cost a tenth of the processor time.
GARBAGE_AFTER = 10_000
Command = Callable[[argparse.Namespace], Awaitable[int | None]]
LEAPS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return the exit code: 0 done, 1 refused (with the reason printed)."""
    options = _parser().parse_args(arguments)
    gc.disable()  # the imports that follow create no garbage
    others_mask = os.umask(OWNER_ONLY)
    try:
        code = asyncio.run(options.command(options)) or 0
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # as in `doctor | head`: nobody reads the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except NotStarted as error:
        return _refused(str(error), options)
    except Exception as error:
        sentence = _database_failure(error)
        if sentence is None:
            raise
        return _refused(sentence, options)
    finally:
        os.umask(others_mask)
    return code


def _refused(sentence: str, options: argparse.Namespace) -> int:
    """Print why the command did nothing; return the exit code."""
    print(sentence, file=sys.stderr)
    if options.command in (_run, _playground):
        print(NOT_STARTED, file=sys.stderr)
    return 1


def _database_failure(error: Exception) -> str | None:
    """Return the sentence for a failure of the database, or None for any other error."""
    from bot.db.db_errors import failure_kind
    from bot.db.explanations import explain

    return None if failure_kind(error) is None else explain(error)


def _parser() -> argparse.ArgumentParser:
    is_script = Path(sys.argv[0]).stem == "imbalance"
    parser = argparse.ArgumentParser(
        prog="imbalance" if is_script else "python -m bot", description="Imbalance, a Slack bot."
    )
    parser.add_argument("--version", action="version", version=f"imbalance {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Command, help_text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text)
        added.set_defaults(command=run)
        return added

    run = command("run", _run, "Run the bot on the workspace of .env, over Socket Mode.")
    run.add_argument("--http", action="store_true", help="signed HTTP instead of Socket Mode")
    run.add_argument("--port", type=_port, help="port of --http, over HTTP_PORT")
    run.add_argument("--migrate", action="store_true", help="bring the database up to date first")
    if find_spec("bot.playground"):  # the container image does without it
        play = command("playground", _playground, "Try it all with a small Slack of its own.")
        play.add_argument("--port", type=_port, default=8765)
        play.add_argument("--http", action="store_true", help="signed HTTP instead of Socket Mode")
        play.add_argument(
            "--workspaces",
            type=int,
            choices=(1, 2),
            default=1,
            help="2: with a second workspace, for the install pages; on the two next ports, too",
        )
        play.add_argument("--reset", action="store_true", help="forget everything and start over")
        play.add_argument(
            "--example", action="store_true", help="with a finished and a running phase in it"
        )
        play.add_argument("--no-open", action="store_true", help="do not open a browser")
    _add_operators_commands(command)
    return parser


def _add_operators_commands(
    command: Callable[[str, Command, str], argparse.ArgumentParser],
) -> None:
    back = command("migrate", _migrate, "Bring the database to this version's schema.")
    back.add_argument("--to", default="head", metavar="REVISION", help="also back, such as -1")
    back.add_argument("--yes", action="store_true", help="even if rows are then deleted")
    command("doctor", _doctor, "Check settings, database, tokens and scopes; say what to fix.")
    outbox = command("outbox", _outbox, "See messages that wait for somebody, and decide.")
    outbox_arguments.add_outbox_arguments(outbox)
    listed = command("workspaces", _workspaces, "List the workspaces, and what waits in each.")
    listed.add_argument("--json", action="store_true", help="one JSON list instead of lines")
    audit = command("audit", _audit, "Print what leads, admins and operators changed.")
    outbox_arguments.add_list_arguments(audit, "at most so many, newest first")
    purge = command("purge", _purge, "Delete all data of a workspace.")
    purge.add_argument("workspace", metavar="T...", help="the id of the workspace")
    purge.add_argument("--yes", action="store_true", help="even if the app is still installed")
    backup = command("backup", _backup, "Copy the SQLite database to a file; the bot may run.")
    backup.add_argument("file", metavar="FILE", type=Path, help="a file that does not exist yet")
    verify = command(
        "verify-slack", _verify, "Test in a real workspace what the playground cannot show."
    )
    _add_verify_arguments(verify)
    command("keys", _keys, "Print a new key for IMBALANCE_KEYS.")
    rotate = "Re-encrypt with the first of IMBALANCE_KEYS; the bot may run."
    command("rotate-keys", _rotate_keys, rotate)


def _add_verify_arguments(verify: argparse.ArgumentParser) -> None:
    verify.add_argument("--to", required=True, metavar="ID", help="a test channel, or a person")
    verify.add_argument("--http", action="store_true", help="signed HTTP instead of Socket Mode")
    verify.add_argument("--no-people", action="store_true", help="only what needs nobody")
    verify.add_argument(
        "--snapshots",
        type=Path,
        default=Path("tests"),
        metavar="FOLDER",
        help="tests whose stored messages Slack shall check (default: tests)",
    )
    verify.add_argument("--wait", type=float, default=180, help="seconds to wait for people")


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) <= MAX_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(NOT_A_PORT)


async def _run(options: argparse.Namespace) -> None:
    from bot.app import Imbalance, StartupError
    from bot.db.file_lock import exclusive_lock
    from bot.db.revision import has_pending_migrations
    from bot.log import configure

    settings = load()
    if options.port is not None:
        settings = replace(settings, http_port=options.port)
    missing = settings.missing_to_run(http=options.http)
    if missing:
        raise SettingsError(missing)
    configure(settings.log_level, settings.log_format)
    async with exclusive_lock(settings.database_url):
        if options.migrate:
            from bot.db.migrate import migrate

            await migrate(settings.database_url)
        app = Imbalance(settings, Clock(), http=options.http)
        if await has_pending_migrations(app.db):
            raise StartupError(BEHIND)
        try:
            await until_stopped(app)
        finally:
            await _cancel_remaining()


async def _cancel_remaining() -> None:
    """Cancel what a hanging database still holds up; asyncio cancels it a second time at the end.

    After the first cancellation, psycopg spends up to ten seconds asking the server to stop.
    """
    remaining = asyncio.all_tasks() - {asyncio.current_task()}
    for task in remaining:
        task.cancel()
    if remaining:
        await asyncio.wait(remaining, timeout=LEFT_SECONDS)


async def until_stopped(
    app: "Imbalance", ready: Callable[[], asyncio.Task[None] | None] = lambda: None
) -> None:
    """Run until SIGTERM or Ctrl-C, then let what is under way end.

    `ready` is called once the app has started; a task that it returns is cancelled before the end.
    """
    task = None
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    try:
        await app.start()
        gc.freeze()  # objects created so far are permanent: scanning them took 100 ms each time
        gc.set_threshold(GARBAGE_AFTER)
        gc.enable()
        task = ready()
        await stopping.wait()
    finally:
        if task is not None:
            task.cancel()
        await app.stop()


async def _migrate(options: argparse.Namespace) -> None:
    from bot.db.file_lock import exclusive_lock
    from bot.db.migrate import BASE, migrate

    _log_nothing()
    settings = load()
    async with exclusive_lock(settings.database_url):
        reached = await migrate(settings.database_url, options.to, may_lose=options.yes)
    print(AT_BASE if reached == BASE else AT_REVISION.format(revision=reached))


def _log_nothing() -> None:
    """Leave the output to the command, which prints what went wrong itself."""
    from bot.log import configure

    configure("CRITICAL", "text")


async def _doctor(_: argparse.Namespace) -> int:
    from bot.operations.doctor import diagnose

    _log_nothing()
    return await diagnose()


async def _outbox(options: argparse.Namespace) -> int:
    from bot.operations.outbox_command import run

    _log_nothing()
    return await run(options)


async def _backup(options: argparse.Namespace) -> None:
    from bot.operations.backup_command import backup

    _log_nothing()
    await backup(load(), options.file)


async def _purge(options: argparse.Namespace) -> int:
    from bot.operations.purge_command import run

    _log_nothing()
    return await run(options)


async def _workspaces(options: argparse.Namespace) -> int:
    from bot.operations.workspaces_command import run

    _log_nothing()
    return await run(options)


async def _audit(options: argparse.Namespace) -> int:
    from bot.operations.audit_command import run

    _log_nothing()
    return await run(options)


async def _verify(options: argparse.Namespace) -> int:
    from bot.log import configure
    from bot.operations.verify_slack import verify

    settings = load()
    if settings.many_workspaces:
        raise SettingsError((VERIFY_ONE,))
    missing = settings.missing_to_run(http=options.http)
    if missing:
        raise SettingsError(missing)
    configure("WARNING", settings.log_format)
    return await verify(
        settings,
        options.to,
        http=options.http,
        people=not options.no_people,
        wait=options.wait,
        snapshots=options.snapshots,
    )


async def _rotate_keys(options: argparse.Namespace) -> int:
    from bot.operations.rotate_keys_command import run

    _log_nothing()
    return await run(options)


async def _keys(_: argparse.Namespace) -> None:
    print(encode_key(random_bytes(32)))


async def _playground(options: argparse.Namespace) -> None:
    from bot.app import StartupError
    from bot.db.file_lock import exclusive_lock
    from bot.db.migrate import migrate
    from bot.log import configure
    from bot.playground.server import FakeSlack

    configure("WARNING", "text")
    folder = PLAYGROUND if options.workspaces == 1 else PLAYGROUND_OF_TWO
    if options.workspaces == 2 and not 1 <= options.port <= MAX_PORT - 2:
        raise StartupError(THREE_PORTS)
    async with exclusive_lock(_playground_database(folder), held=PLAYGROUND_RUNS):
        settings = _playground_settings(folder, reset=options.reset)
        await migrate(settings.database_url)
        clock = AdjustableClock(max(real_now(), _remembered_time(folder)), running=True)
        slack = FakeSlack(
            clock=clock.now, manifest=MANIFEST, port=options.port, store=folder / "slack.json"
        )
        slacks = [slack]
        if options.workspaces == 2:
            slacks.append(_second_workspace(slack, clock, options.port + 1, folder))
        try:
            for number, one in enumerate(slacks):
                try:
                    await one.start()
                except OSError as error:
                    port = options.port + number
                    raise StartupError(PORT_TAKEN.format(port=port)) from error
            await _play(options, settings, clock, slacks)
        finally:
            for one in slacks:
                await one.stop()
            _remember_time(folder, clock.now())


def _second_workspace(
    first: "FakeSlack", clock: AdjustableClock, port: int, folder: Path
) -> "FakeSlack":
    """Build a workspace beside the first, in which the app is not installed yet."""
    from bot.playground.fake_slack.directory import Team
    from bot.playground.server import FakeSlack

    second = FakeSlack(
        clock=clock.now,
        manifest=MANIFEST,
        port=port,
        store=folder / "slack-2.json",
        team=Team(id="T0SOUTH", name="Southgate", domain="southgate"),
        beside=first,
    )
    second.remove_app()
    return second


def _settings_beside(
    options: argparse.Namespace, settings: Settings, slack: "FakeSlack"
) -> Settings:
    """Return the settings of a bot in this Slack: in one workspace, or installed by its pages."""
    ours = replace(settings, slack_signing_secret=slack.signing_secret, slack_api_url=slack.api_url)
    if options.workspaces == 1:
        return replace(ours, slack_bot_token=slack.bot_token, slack_app_token=slack.app_token)
    port = options.port + 2
    public_url = f"http://127.0.0.1:{port}"
    slack.register(public_url)
    return replace(
        ours,
        client_id=slack.directory.client_id,
        client_secret=slack.directory.client_secret,
        public_url=public_url,
        http_port=port,
    )


async def _install_in_first(app: "Imbalance", slack: "FakeSlack") -> None:
    """Install the bot in the first workspace at the first start, as somebody did before."""
    from slack_sdk.oauth.installation_store.models.installation import Installation

    answer = slack.installation
    if answer is not None and await app.installations.bot_of(answer["team_id"]) is None:
        await app.installations.async_save(Installation(**answer))


async def _play(
    options: argparse.Namespace,
    settings: Settings,
    clock: AdjustableClock,
    slacks: Sequence["FakeSlack"],
) -> None:
    from bot.app import Imbalance, advance_clock
    from bot.outbox.rate_limits import RateLimits

    slack, folder = slacks[0], PLAYGROUND if len(slacks) == 1 else PLAYGROUND_OF_TWO
    is_http = options.http or len(slacks) > 1
    app = Imbalance(
        _settings_beside(options, settings, slack),
        clock,
        http=is_http,
        # Limits count real seconds: with days passing in some, messages would come days late.
        rate_limits=RateLimits(limited=False),
    )
    if len(slacks) > 1:
        await _install_in_first(app, slack)

    async def advance(leap: str) -> None:
        if leap in LEAPS:
            await advance_clock(app, clock, clock.now() + LEAPS[leap])
        else:
            await _advance_to_next_message(app, clock, slacks)
        _remember_time(folder, clock.now())

    def ready() -> asyncio.Task[None] | None:
        if is_http:
            for one in slacks:
                one.request_url = f"http://127.0.0.1:{app.http_port}/slack/events"
        print(f"Imbalance's playground: {slack.url}   (Ctrl-C ends it, the data stays)", flush=True)
        if not options.no_open:
            with suppress(webbrowser.Error):
                webbrowser.open(slack.url)
        return asyncio.create_task(_build_example(slack)) if options.example else None

    slack.hooks.advance = advance
    slack.hooks.next_event = app.next_event
    await until_stopped(app, ready)


async def _build_example(slack: "FakeSlack") -> None:
    """Build the example, printing the days done; the page shows them as well."""
    from bot.playground.example_phases import BUILT, ExampleRefused

    def report(done: int, total: int) -> None:
        print(BUILDING.format(done=done, total=total), end="", flush=True)

    try:
        await slack.build_example(report)
    except ExampleRefused as refusal:
        print(f"\n{refusal}", flush=True)
    else:
        print(f"\n{BUILT}", flush=True)


async def _advance_to_next_message(
    app: "Imbalance", clock: AdjustableClock, slacks: Sequence["FakeSlack"]
) -> None:
    """Skip events that nobody notices, until the bot posts a message."""
    from bot.app import advance_clock

    until = clock.now() + LONGEST_LEAP
    before = _count_messages(slacks)
    while _count_messages(slacks) == before:
        due = await app.next_due(after=clock.now())  # what failed before is tried again meanwhile
        if due is None or due > until:
            return
        await advance_clock(app, clock, due)


def _count_messages(slacks: Sequence["FakeSlack"]) -> int:
    return sum(call.method == "chat.postMessage" for slack in slacks for call in slack.calls)


def _playground_database(folder: Path) -> str:
    return f"sqlite:///{folder / 'imbalance.db'}"


def _playground_settings(folder: Path, *, reset: bool) -> Settings:
    for path in folder.glob("*") if reset else ():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix != ".lock":  # which is held
            path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / "key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_bytes(random_bytes(32))
    return Settings(
        database_url=_playground_database(folder),
        keys=(key.read_bytes(),),
        http_host="127.0.0.1",
        http_port=0,
        metrics_port=0,
    )


def _remembered_time(folder: Path) -> datetime:
    try:
        return datetime.fromisoformat((folder / "time").read_text())
    except (OSError, ValueError):
        return real_now()


def _remember_time(folder: Path, now: datetime) -> None:
    (folder / "time").write_text(now.isoformat())


if __name__ == "__main__":
    sys.exit(main())
