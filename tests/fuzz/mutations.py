"""Mutations of the structure of a payload: missing, wrong, huge, foreign and exchanged parts."""

import json
import random  # noqa: TID251  a seed repeats it
import string
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from tests.fuzz.samples import Sample
from tests.harness import WORKSPACE

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
OTHER_WORKSPACE = "T0OTHER"
#: Chances: to go deeper into the structure, of one more mutation, of a change to the encoded bytes.
DEEPER, ANOTHER, IN_BYTES = 0.8, 0.35, 0.04
#: Numbers of levels, items and characters.
DEEP, MANY, LONG = 300, 2_000, 20_000

Tree = dict[Any, Any] | list[Any]


@dataclass(frozen=True, kw_only=True)
class Input:
    """One request body, and how it came about."""

    name: str
    changes: tuple[str, ...]
    body: bytes
    content_type: str


@dataclass(frozen=True)
class Mutator:
    """Mutates payloads. `samples` provide ids of every kind, and parts to exchange."""

    rng: random.Random
    samples: Sequence[Sample]
    ids: Sequence[str]

    def mutated(self, sample: Sample, payload: dict[str, Any]) -> Input:
        changes = [self._change(payload)]
        while self.rng.random() < ANOTHER and payload:
            changes.append(self._change(payload))
        body, content_type = self._encoded(sample.kind, payload)
        if self.rng.random() < IN_BYTES:
            changes.append("bytes")
            body = self._damaged(body)
        return Input(name=sample.name, changes=tuple(changes), body=body, content_type=content_type)

    def _change(self, payload: dict[str, Any]) -> str:
        change = self.rng.choice(_CHANGES)
        at: Tree = payload
        path: list[Any] = []
        while True:
            key = self.rng.choice(list(at) if isinstance(at, dict) else range(len(at)))
            path.append(key)
            inside = at[key]
            if not (isinstance(inside, dict | list) and inside and self.rng.random() < DEEPER):
                break
            at = inside
        change(self, at, key)
        return f"{change.__name__.strip('_')} {'.'.join(map(str, path))}"

    # ------------------------------------------------------------ encoding

    def _encoded(self, kind: str, payload: dict[str, Any]) -> tuple[bytes, str]:
        if self.rng.random() < IN_BYTES:
            kind = self.rng.choice(("slash_commands", "interactive", "events_api"))
        if kind == "slash_commands":
            pairs = {str(name): _as_field(value) for name, value in payload.items()}
            return urlencode(pairs, errors="replace").encode(), FORM
        text = json.dumps(payload)
        if kind == "events_api":
            return text.encode(), JSON
        return f"payload={quote_plus(text)}".encode(), FORM

    def _damaged(self, body: bytes) -> bytes:
        at = self.rng.randrange(len(body) + 1)
        return self.rng.choice(
            (
                body[:at],
                body + body,
                body[:at] + self.rng.randbytes(3) + body[at:],
                body + b"&payload=%7B%7D&ssl_check=1",
                body.replace(b"%22%3A", b"%22%3A%22%22%2C%22x%22%3A", 1),
                body.rstrip(b"}") + b', "type": "view_submission", "user": null}',
            )
        )

    # ------------------------------------------------------------ parts to exchange

    def part(self, key: Any) -> Any:
        """Return the value of this key somewhere in another payload, or any part of it."""
        found = _parts(self.rng.choice(self.samples).payload, key)
        return deepcopy(self.rng.choice(found)) if found else self.rng.choice(_WRONG)

    def id(self) -> str:
        return self.rng.choice(self.ids)


def _as_field(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _parts(tree: Any, key: Any) -> list[Any]:
    """Return all values with this key."""
    children = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = []
    for name, child in children:
        if name == key:
            found.append(child)
        if isinstance(child, dict | list):
            found += _parts(child, key)
    return found


def ids_in(tree: Any) -> set[str]:
    """Return what looks like an id: of Slack's, or our own."""
    if isinstance(tree, dict | list):
        inner = tree.values() if isinstance(tree, dict) else tree
        return set().union(*map(ids_in, inner))
    if not isinstance(tree, str):
        return set()
    is_slack = len(tree) > 2 and tree[0] in "ABCDEFTUVW" and tree.isalnum() and tree.isupper()
    is_own = len(tree) >= 32 and not set(tree[:32]) - set(string.hexdigits)
    return {tree} if is_slack or is_own else set()


# ---------------------------------------------------------------- changes

_WRONG: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 17, 3.7, "", "violet", [], {}, [None], [[]], [{}], {"": ""}),
    *({"id": None}, {"id": 5}, {"value": None}, {"value": "x"}, {"values": {}}, ["x", 1, None]),
    *("0", "6", "-1", "1.5", "1e9", "9" * 40, "٣", "²", "null", "None", "true", "NaN"),
    *("0001-01-01", "9999-12-31", "2026-02-30", "2026-1-1", "25:00", "9:5", "24:00", "-1:00"),
)
_NASTY = (
    *("\0", "\ud800", "\udfff\ud800", "\u202e\u202d", "\u200b", "\ufeff", "e\u0301" * 50),
    *("\U0001f469\u200d\U0001f4bb" * 40, "ﷺ" * 300, "İ" * 100, "ß" * 3000, "\r\n\t\v", "\u2028"),
    *(
        "<!channel>",
        "<@U0BEN|x>",
        "<#C0LAUNCH|",
        "<https://a|b>",
        "&lt;!here&gt;",
        "`*_~>",
        "%s{0}",
    ),
    *("' OR 1=1 --", "../../etc/passwd", "\x1b[31m", ":" * 200, "a:b:c", " ", "\u3000"),
)
_WORDS = (
    *("start", "results", "trust", "end", "extend", "poll", "settings", "status", "help", "2w"),
    *("10 days", "0w", "-3w", "99999999999w", "until", "18 Dec", "31 Feb", "until until", "for"),
    *("<@U0BEN|ben>", "<#C0LAUNCH|launch>", "<https://example.com|x>", "29 Feb 2027", "1e5 days"),
)


def _remove(mutator: Mutator, at: Any, key: Any) -> None:
    del at[key]


def _make_null(mutator: Mutator, at: Any, key: Any) -> None:
    at[key] = None


def _replace(mutator: Mutator, at: Any, key: Any) -> None:
    at[key] = deepcopy(mutator.rng.choice(_WRONG))


def _empty(mutator: Mutator, at: Any, key: Any) -> None:
    at[key] = type(at[key])() if at[key] is not None else ""


def _enlarge(mutator: Mutator, at: Any, key: Any) -> None:
    value = at[key]
    huge = (
        *("x" * LONG, "9" * 4_000, 10**30, -(10**30), 2**63, 2**31, 1e308, float("nan")),
        *(float("inf"), [value] * MANY, {f"k{n}": value for n in range(MANY)}, _deep(value)),
    )
    at[key] = mutator.rng.choice(huge)
    if isinstance(value, str) and mutator.rng.random() < 0.5:
        at[key] = (value or "x") * mutator.rng.choice((2, 20, 300))


def _deep(value: Any) -> Any:
    for _ in range(DEEP):
        value = {"value": value}
    return value


def _garble(mutator: Mutator, at: Any, key: Any) -> None:
    nasty = mutator.rng.choice(_NASTY)
    value = at[key] if isinstance(at[key], str) else ""
    cut = mutator.rng.randrange(len(value) + 1)
    at[key] = mutator.rng.choice((nasty, value + nasty, value[:cut] + nasty + value[cut:]))


def _nest(mutator: Mutator, at: Any, key: Any) -> None:
    at[key] = mutator.rng.choice(([at[key]], {"value": at[key]}, {key: at[key]}, [[at[key]]]))


def _duplicate(mutator: Mutator, at: Any, key: Any) -> None:
    if isinstance(at, list):
        at.insert(0, deepcopy(at[key]))
    elif isinstance(at[key], list):
        at[key] = at[key] * 2
    else:
        at[f"{key}_2"] = deepcopy(at[key])


def _rename(mutator: Mutator, at: Any, key: Any) -> None:
    if isinstance(at, list):
        mutator.rng.shuffle(at)
        return
    names = [str(key).upper(), f"{key} ", str(key)[:-1], mutator.id(), mutator.rng.choice(list(at))]
    at[mutator.rng.choice(names)] = at.pop(key)


def _exchange_siblings(mutator: Mutator, at: Any, key: Any) -> None:
    other = mutator.rng.choice(list(at) if isinstance(at, dict) else range(len(at)))
    at[key], at[other] = at[other], at[key]


def _other_id(mutator: Mutator, at: Any, key: Any) -> None:
    value = at[key]
    if isinstance(value, dict) and "id" in value:
        value["id"] = mutator.id()
    else:
        at[key] = mutator.id()


def _other_workspace(mutator: Mutator, at: Any, key: Any) -> None:
    """Move one part to another workspace, whichever names it had."""
    text = json.dumps(at[key])
    moved = json.loads(text.replace(WORKSPACE, OTHER_WORKSPACE))
    at[key] = moved if moved != at[key] else OTHER_WORKSPACE


def _foreign_person(mutator: Mutator, at: Any, key: Any) -> None:
    if isinstance(at, dict):
        extra: tuple[dict[str, Any], ...] = (
            {"team_id": OTHER_WORKSPACE},
            {"team": {"id": OTHER_WORKSPACE}},
            {"team": None, "enterprise": {"id": "E0GRID", "name": "Grid"}},
            {"is_enterprise_install": True, "enterprise_id": "E0GRID"},
            {"user_team": OTHER_WORKSPACE, "source_team": OTHER_WORKSPACE},
            {"authorizations": []},
            {"authorizations": [{"team_id": None, "enterprise_id": "E0GRID"}]},
        )
        at.update(deepcopy(mutator.rng.choice(extra)))


def _part_of_another(mutator: Mutator, at: Any, key: Any) -> None:
    """Put in what the same key has in another payload, from before or after."""
    at[key] = mutator.part(key)


def _say(mutator: Mutator, at: Any, key: Any) -> None:
    count = mutator.rng.randrange(1, 6)
    at[key] = " ".join(mutator.rng.choice(_WORDS + _NASTY) for _ in range(count))


_CHANGES: tuple[Callable[[Mutator, Any, Any], None], ...] = (
    *(_remove, _make_null, _replace, _replace, _empty, _enlarge, _garble, _garble, _nest),
    *(_duplicate, _rename, _exchange_siblings, _other_id, _other_workspace, _foreign_person),
    *(_part_of_another, _part_of_another, _say),
)
