"""A description of the machine, without which no result means anything."""

import os
import platform
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from bot.clock import monotonic, real_now

FSYNCS = 100
IN_MEMORY = ("tmpfs", "ramfs")
MEMORY_ONLY = (
    "WARNING: the databases are in memory, so the results do not include the cost of a disk"
)


def describe(folder: Path) -> dict[str, Any]:
    """Describe the machine; `folder` is where the databases will be."""
    return {
        "at": real_now().isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": _memory_mb(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_before": [round(one, 2) for one in os.getloadavg()],
        "filesystem": filesystem(folder, Path("/proc/self/mounts").read_text()),
        "fsync_ms": round(fsync_ms(folder), 3),
    }


def filesystem(folder: Path, mounts: str) -> str:
    """The type of the filesystem of a folder, from the kernel's list of mounts."""
    found = [line.split()[1:3] for line in mounts.splitlines()]
    within = [(place, kind) for place, kind in found if folder.resolve().is_relative_to(place)]
    return max(within, key=lambda one: len(one[0]), default=("", "unknown"))[1]


def fsync_ms(folder: Path) -> float:
    """The average milliseconds to append 4 KB to a file and sync it to disk."""
    with tempfile.TemporaryFile(dir=folder) as file:
        began = monotonic()
        for _ in range(FSYNCS):
            file.write(b"\0" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
        return (monotonic() - began) / FSYNCS * 1000


def lines(machine: dict[str, Any]) -> list[str]:
    """The lines above the table."""
    load = ", ".join(f"{one:g}" for one in machine["load_before"])
    text = [
        "{cpu}, {cores} cores, {memory_mb} MB, Linux {kernel}".format(**machine),
        f"Python {machine['python']}, SQLite {machine['sqlite']}, "
        f"PostgreSQL {machine.get('postgresql', 'not used')}, load before {load}",
        "databases on {filesystem}, fsync {fsync_ms} ms".format(**machine),
    ]
    return [*text, MEMORY_ONLY] if machine["filesystem"] in IN_MEMORY else text


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2
