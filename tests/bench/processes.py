"""Server processes under test."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.clock import monotonic

ROOT = Path(__file__).parents[2]
READY_SECONDS = 30.0
LOOK_SECONDS = 0.005
STOP_SECONDS = 15.0
CHILDREN_SECONDS = 0.02


class NotReady(Exception):
    """A server did not start. The message has the end of its log."""


class Child:
    """A process that serves on a port of 127.0.0.1."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        port: int,
        folder: Path,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self._log = folder / f"{arguments[0].replace('.', '-')}-{port}.log"
        self.began = monotonic()
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=folder,
                env={**clean_environ(), **(environ or {})},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )

    async def ready(self) -> float:
        """Wait until the server answers. Returns the seconds since its start."""
        while monotonic() - self.began < READY_SECONDS:
            if self.process.poll() is not None:
                break
            with suppress(OSError, asyncio.IncompleteReadError):
                await _answers(self.port)
                return monotonic() - self.began
            await asyncio.sleep(LOOK_SECONDS)
        raise NotReady(self.end_of_log())

    def rss_mb(self) -> float:
        """Resident memory of the process without its children."""
        return _memory_mb(self.process.pid, "VmRSS")

    async def children_peak_mb(self, during: Awaitable[object]) -> float:
        """The peak memory of any child process seen during some work, else 0."""
        peak, doing = 0.0, asyncio.ensure_future(during)
        while not doing.done():
            for pid in _children(self.process.pid):
                with suppress(OSError, StopIteration):  # the child has just ended
                    peak = max(peak, _memory_mb(pid, "VmHWM"))
            await asyncio.sleep(CHILDREN_SECONDS)
        await doing
        return peak

    def has_loaded(self, package: str) -> bool:
        """Whether a compiled module of this package is mapped into the process."""
        return f"/{package}/" in Path(f"/proc/{self.process.pid}/maps").read_text()

    def cpu_seconds(self) -> float:
        """Processor time of the process so far, threads included."""
        return _ticks(self.process.pid, 2) / os.sysconf("SC_CLK_TCK")

    def send_line(self, line: str) -> None:
        """Send a line to the standard input of the process."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def end_of_log(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """Kill the process with SIGKILL."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


def process_tree_cpu_seconds(pid: int) -> float:
    """Processor time of a process and its children, including ended ones."""
    running = 0
    for child in _children(pid):
        with suppress(OSError):  # the child has just ended, and its parent counts it
            running += _ticks(child, 2)
    return (_ticks(pid, 4) + running) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int, many: int) -> int:
    """The first fields of processor time: user, kernel, and both of ended children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11 : 11 + many]))


def _children(pid: int) -> list[int]:
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def _memory_mb(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line for line in status.splitlines() if line.startswith(name))
    return int(kilobytes.split()[1]) / 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environ() -> dict[str, str]:
    """Our environment without settings of the bot, proxies and a CA of our network."""
    kept: dict[str, Any] = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SLACK_", "IMBALANCE_"))
        and not name.lower().endswith("_proxy")
        and name not in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    }
    return {**kept, "PYTHONPATH": str(ROOT), "MPLCONFIGDIR": "/tmp"}


async def _answers(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /_ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n")
    finally:
        writer.close()
