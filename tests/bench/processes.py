"""Servers under test, each in a process of its own, which stops with us whatever happens."""

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
    """It did not start; the message holds the end of what it wrote."""


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
        """Wait until it answers over HTTP. Returns the seconds since it was started."""
        while monotonic() - self.began < READY_SECONDS:
            if self.process.poll() is not None:
                break
            with suppress(OSError, asyncio.IncompleteReadError):
                await _answers(self.port)
                return monotonic() - self.began
            await asyncio.sleep(LOOK_SECONDS)
        raise NotReady(self.last_words())

    def rss_mb(self) -> float:
        """Resident memory of the process itself, without its children."""
        return _held_mb(self.process.pid, "VmRSS")

    async def children_peak_mb(self, during: Awaitable[object]) -> float:
        """The most that any process which it started held, as far as one was met; else 0."""
        peak, doing = 0.0, asyncio.ensure_future(during)
        while not doing.done():
            for pid in _children(self.process.pid):
                with suppress(OSError, StopIteration):  # it has just ended
                    peak = max(peak, _held_mb(pid, "VmHWM"))
            await asyncio.sleep(CHILDREN_SECONDS)
        await doing
        return peak

    def has_loaded(self, package: str) -> bool:
        """Whether anything compiled of this package is mapped into the process."""
        return f"/{package}/" in Path(f"/proc/{self.process.pid}/maps").read_text()

    def cpu_seconds(self) -> float:
        """Processor time it has used so far, its threads included."""
        return _ticks(self.process.pid, 2) / os.sysconf("SC_CLK_TCK")

    def tell(self, line: str) -> None:
        """A line on its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """SIGKILL: whatever it had not put elsewhere is gone."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


def family_cpu_seconds(pid: int) -> float:
    """Of a process, and of those it started, of which some may have ended."""
    running = 0
    for child in _children(pid):
        with suppress(OSError):  # it has just ended: its parent counts it now
            running += _ticks(child, 2)
    return (_ticks(pid, 4) + running) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int, many: int) -> int:
    """Processor time: its own in user and kernel mode, then the same of children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11 : 11 + many]))


def _children(pid: int) -> list[int]:
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def _held_mb(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line for line in status.splitlines() if line.startswith(name))
    return int(kilobytes.split()[1]) / 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environ() -> dict[str, str]:
    """Ours, without the settings of whoever runs the benchmark."""
    kept: dict[str, Any] = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SLACK_", "IMBALANCE_")) and not name.lower().endswith("_proxy")
    }
    return {**kept, "PYTHONPATH": str(ROOT), "MPLCONFIGDIR": "/tmp"}


async def _answers(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /_ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n")
    finally:
        writer.close()
