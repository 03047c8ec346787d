"""Agenda actions: a name, the function that carries it out, and how it may be run."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AgendaAction:
    """One kind of work that can become due.

    `run` takes the services and the due item; if `is_batched`, further items of the same subject
    follow, and all of them are done in one transaction.
    """

    name: str
    run: Callable[..., Awaitable[None]]
    #: Whether people see what it does. The playground skips over the others when it looks for the
    #: next thing that happens.
    is_noticed: bool = True
    is_batched: bool = False
