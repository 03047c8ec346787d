"""Cheap child processes, forked from a server that has imported everything and runs nothing."""

import json
import os
import select
import signal
import socket
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

#: The main function of a child: takes its orders and its own pid.
ChildMain = Callable[[dict[str, Any], int], None]

LOOK_SECONDS = 0.02
#: The end of a traceback says what happened.
MAX_TRACEBACK_CHARACTERS = 4000


class Orders(Protocol):
    """The instructions of a new child."""

    def as_json(self) -> dict[str, Any]: ...


class ForkServer:
    """Client of the server process: spawns children and learns of their ends."""

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self._connection = connection
        self._pid = pid
        self._buffer = b""
        self._spawned: list[int] = []
        self._tracebacks: dict[int, str] = {}  # by pid
        self.dead: dict[int, int] = {}  # wait status by pid

    def spawn(self, orders: Orders) -> int:
        """Fork a child. Returns its pid."""
        self._connection.sendall(json.dumps(orders.as_json()).encode() + b"\n")
        while not self._spawned:
            self.receive(1.0)
        return self._spawned.pop()

    def receive(self, seconds: float = 0.0) -> None:
        """Read which children were spawned and which have ended."""
        if not select.select([self._connection], [], [], seconds)[0]:
            return
        self._buffer += self._connection.recv(65536)
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            event, pid, detail = json.loads(line)
            if event == "spawned":
                self._spawned.append(pid)
            elif event == "failed":
                self._tracebacks[pid] = detail
            else:
                self.dead[pid] = detail

    def exit_report(self, pid: int) -> str:
        """The traceback of an ended child; "" if it was killed, as all should be."""
        status = self.dead.pop(pid)
        reason = self._tracebacks.pop(pid, f"a child ended with status {status}")
        return "" if status == signal.SIGKILL else reason

    def close(self) -> None:
        self._connection.close()
        os.waitpid(self._pid, 0)


@dataclass(kw_only=True)
class Children:
    """The children of a scenario, each of which is to be killed at some step."""

    fork_server: ForkServer
    steps: Sequence[str]
    hits_each: int  # wanted at each step
    alive: dict[int, str] = field(default_factory=dict)  # step by pid; "" for none
    hits: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)  # tracebacks of those that ended by themselves

    @property
    def steps_left(self) -> list[str]:
        return [step for step in self.steps if self.hits[step] < self.hits_each]

    def next_step(self) -> str:
        """The step with the fewest hits, planned ones included; "" if all were hit often enough."""
        planned = self.hits + Counter(self.alive.values())
        return min(self.steps_left, key=lambda step: planned[step], default="")

    def collect_ended(self) -> list[int]:
        """Count the hits and crashes of the children that have ended. Returns their pids."""
        self.fork_server.receive()
        ended = [pid for pid in self.alive if pid in self.fork_server.dead]
        for pid in ended:
            step = self.alive.pop(pid)
            if traceback := self.fork_server.exit_report(pid):
                self.crashes.append(traceback)
            elif step:
                self.hits[step] += 1
        return ended

    def signal(self, pid: int, signal_number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal_number)

    def kill_all(self) -> None:
        for pid in self.alive:
            self.signal(pid, signal.SIGKILL)


@contextmanager
def fork_server(child_main: ChildMain) -> Iterator[ForkServer]:
    """Start the server. Call this before any event loop or thread exists."""
    parent_end, server_end = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        parent_end.close()
        _serve(server_end, child_main)
        os._exit(0)
    server_end.close()
    server = ForkServer(parent_end, pid)
    try:
        yield server
    finally:
        server.close()


def _serve(connection: socket.socket, child_main: ChildMain) -> None:
    children: set[int] = set()
    buffer = b""
    while True:
        if select.select([connection], [], [], LOOK_SECONDS)[0]:
            try:
                received = connection.recv(65536)
            except ConnectionError:
                break
            if not received:
                break
            *lines, buffer = (buffer + received).split(b"\n")
            for orders in lines:
                children.add(_fork(connection, child_main, json.loads(orders)))
        _report_dead(connection, children)
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _fork(connection: socket.socket, child_main: ChildMain, orders: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        try:
            child_main(orders, os.getpid())
        except BaseException:
            _send(
                connection,
                "failed",
                os.getpid(),
                traceback.format_exc()[-MAX_TRACEBACK_CHARACTERS:],
            )
        finally:
            os._exit(1)
    _send(connection, "spawned", child, "")
    return child


def _report_dead(connection: socket.socket, children: set[int]) -> None:
    for child in list(children):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            children.discard(pid)
            _send(connection, "died", pid, status)


def _send(connection: socket.socket, event: str, pid: int, detail: int | str) -> None:
    """Send one short line, which arrives whole even if other processes write, too."""
    connection.sendall(json.dumps([event, pid, detail]).encode() + b"\n")
