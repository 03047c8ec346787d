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
            word, pid, status = line.split()
            if word == b"born":
                self._born.append(int(pid))
            else:
                self.dead[int(pid)] = int(status)

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
        line.close()
        try:
            live(orders, os.getpid())
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(1)
    line.sendall(b"born %d 0\n" % child)
    return child


def _bury(line: socket.socket, children: set[int]) -> None:
    for child in list(children):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            children.discard(pid)
            line.sendall(b"died %d %d\n" % (pid, status))
