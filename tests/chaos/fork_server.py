"""Children by the dozen: forked from a process that has imported everything and runs nothing."""

import json
import os
import select
import signal
import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

#: What a child does with its orders and its own pid.
Life = Callable[[dict[str, Any], int], None]

LOOK_SECONDS = 0.02
#: Of a traceback: its end says what happened.
MOST_WORDS = 4000


class Orders(Protocol):
    """What a child is told at its birth."""

    def as_json(self) -> dict[str, Any]: ...


class Zygote:
    """Bears children on request; knows which of them live."""

    def __init__(self, line: socket.socket, pid: int) -> None:
        self._line = line
        self._pid = pid
        self._heard = b""
        self._born: list[int] = []
        self._words: dict[int, str] = {}  # pid: why it ended by itself
        self.dead: dict[int, int] = {}  # pid: wait status

    def spawn(self, orders: Orders) -> int:
        """Returns the child's pid."""
        self._line.sendall(json.dumps(orders.as_json()).encode() + b"\n")
        while not self._born:
            self.listen(1.0)
        return self._born.pop()

    def listen(self, seconds: float = 0.0) -> None:
        """Hear who was born and who died."""
        if not select.select([self._line], [], [], seconds)[0]:
            return
        self._heard += self._line.recv(65536)
        *lines, self._heard = self._heard.split(b"\n")
        for line in lines:
            what, pid, told = json.loads(line)
            if what == "born":
                self._born.append(pid)
            elif what == "failed":
                self._words[pid] = told
            else:
                self.dead[pid] = told

    def bury(self, pid: int) -> str:
        """How one of the dead ended: "" if it was killed, as all should be, else its traceback."""
        status = self.dead.pop(pid)
        words = self._words.pop(pid, f"a child ended by itself, with status {status}")
        return "" if status == signal.SIGKILL else words

    def end(self) -> None:
        self._line.close()
        os.waitpid(self._pid, 0)


@contextmanager
def zygote(live: Life) -> Iterator[Zygote]:
    """To be made before any event loop or thread is."""
    ours, its = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _bear(its, live)
        os._exit(0)
    its.close()
    mother = Zygote(ours, pid)
    try:
        yield mother
    finally:
        mother.end()


def _bear(line: socket.socket, live: Life) -> None:
    children: set[int] = set()
    heard = b""
    while True:
        if select.select([line], [], [], LOOK_SECONDS)[0]:
            try:
                received = line.recv(65536)
            except ConnectionError:
                break
            if not received:
                break
            *lines, heard = (heard + received).split(b"\n")
            for orders in lines:
                children.add(_fork(line, live, json.loads(orders)))
        _bury(line, children)
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _fork(line: socket.socket, live: Life, orders: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        try:
            live(orders, os.getpid())
        except BaseException:
            _tell(line, "failed", os.getpid(), traceback.format_exc()[-MOST_WORDS:])
        finally:
            os._exit(1)
    _tell(line, "born", child, "")
    return child


def _bury(line: socket.socket, children: set[int]) -> None:
    for child in list(children):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            children.discard(pid)
            _tell(line, "died", pid, status)


def _tell(line: socket.socket, what: str, pid: int, told: int | str) -> None:
    """Short enough to arrive in one piece, whoever else speaks on this line."""
    line.sendall(json.dumps([what, pid, told]).encode() + b"\n")
