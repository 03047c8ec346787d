"""`python -m bot ...` in a process of its own, forked from a server that has imported everything.

Starting Python and importing the bot takes a second; a fork takes a hundredth of it.

    python -m tests.forked_bot SOCKET
"""

import asyncio
import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import sleep
from typing import IO, Any

from bot.clock import monotonic

ROOT = Path(__file__).parents[1]
LOOK_SECONDS = 0.01
START_SECONDS = 60.0
MAX_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """The output and exit code of a command."""

    code: int
    out: str
    err: str


class ForkedBot:
    """A running command, as `asyncio.subprocess` shows a process."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: Any) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.create_task(self._wait(reader, writer))

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def send_signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def _wait(self, reader: asyncio.StreamReader, writer: Any) -> int:
        self.returncode = int(await reader.readline())
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return self.returncode


async def start(
    arguments: Sequence[str], environ: Mapping[str, str], out: IO[bytes], err: IO[bytes]
) -> ForkedBot:
    """Start a command with this environment in the current folder."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(_server()))
    orders = [list(arguments), dict(environ), str(Path.cwd())]
    payload = json.dumps(orders).encode()
    header = len(payload).to_bytes(4, "big")
    socket.send_fds(connection, [header], [out.fileno(), err.fileno()])
    connection.sendall(payload)
    connection.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=connection)
    return ForkedBot(int(await reader.readline()), reader, writer)


async def run(arguments: Sequence[str], environ: Mapping[str, str]) -> CommandResult:
    """Run a command to its end."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = await start(arguments, environ, out, err)
        code = await process.wait()
        out.seek(0)
        err.seek(0)
        return CommandResult(code=code, out=out.read().decode(), err=err.read().decode())


@cache
def _server() -> Path:
    """The socket of the server, which is started on first use and ends with this process."""
    folder = tempfile.TemporaryDirectory(prefix="bot")  # short: a path may have 107 characters
    path = Path(folder.name) / "s"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forked_bot", str(path)], cwd=ROOT, stdin=subprocess.PIPE
    )
    until = monotonic() + START_SECONDS
    while not path.exists():
        if process.poll() is not None or monotonic() > until:
            raise RuntimeError("the fork server did not start")
        sleep(LOOK_SECONDS)

    def stop() -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
        folder.cleanup()

    atexit.register(stop)
    return path


# ---------------------------------------------------------------- the server


def serve(path: str) -> None:
    """Fork a process for each connection until standard input is closed."""
    _import_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(64)
        while True:
            ready, _, _ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _watch(connection)
                os._exit(0)
            connection.close()


def _import_everything() -> None:
    import bot.__main__
    import bot.app
    import bot.db.migrate
    import bot.operations.doctor
    import bot.operations.outbox_command  # noqa: F401

    gc.collect()
    gc.freeze()


def _watch(connection: socket.socket) -> None:
    """Fork the command, report its pid and its exit code, and kill it if nobody waits any more."""
    header, descriptors, _, _ = socket.recv_fds(connection, 4, 2)
    size, payload = int.from_bytes(header, "big"), b""
    while len(payload) < size:
        payload += connection.recv(size - len(payload))
    pid = os.fork()
    if pid == 0:
        connection.close()
        _run(descriptors, *json.loads(payload))
    for descriptor in descriptors:
        os.close(descriptor)
    connection.sendall(f"{pid}\n".encode())
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with suppress(OSError):
                connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
            return
        if select.select([connection], [], [], LOOK_SECONDS)[0]:  # closed
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return


def _run(descriptors: list[int], arguments: list[str], environ: dict[str, str], cwd: str) -> None:
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, descriptor in enumerate(descriptors, start=1):
            os.dup2(descriptor, number)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environ)
        code = _main(arguments)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _main(arguments: list[str]) -> int:
    from bot import __main__ as command_line

    sys.argv = [command_line.__file__, *arguments]
    return command_line.main(arguments)


if __name__ == "__main__":
    serve(sys.argv[1])
