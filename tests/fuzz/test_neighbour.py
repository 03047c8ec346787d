"""Every handler, tried beside a workspace with the same Slack ids, and with that one's own ids."""

import asyncio
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.playground.fake_slack.model import Json
from bot.slack.command import NAME, installed
from tests.fuzz.fuzzer import captured_log
from tests.fuzz.handlers import missed_handlers
from tests.fuzz.neighbour import (
    MARK,
    NEIGHBOUR,
    changed_tables,
    comparable,
    foreign,
    ids_in,
    marked_columns,
    masked,
    move_in,
    rows_of,
    shown,
)
from tests.fuzz.samples import Sample, fresh
from tests.fuzz.story import LAST_WORDS, record
from tests.fuzz.target import Target, running_target
from tests.harness import WORKSPACE

#: Half a minute alone on an idle machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
#: The story yields more; far fewer would mean that it no longer reaches what it should.
LEAST_PAYLOADS, LEAST_FOREIGN = 150, 140
#: Some of the columns with what people typed. If they were copied unmarked, nothing would be found.
TYPED = {"phases.promise", "promises.text", "set_aside_items.text", "messages.payload"}
OTHER, SAME = "other", "the same"


@dataclass
class Trial:
    """What came of all payloads."""

    target: Target
    log: io.StringIO
    beside: int = 0  # payloads beside a neighbour
    foreign: int = 0  # payloads with ids of the neighbour
    without_effect: int = 0  # of these: those that changed no row at all
    claimed: int = 0  # payloads that name the neighbour as their workspace
    marked: set[str] = field(default_factory=set)  # columns whose texts give the neighbour away
    missed: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        return (
            f"payloads beside a neighbour {self.beside} · with its ids {self.foreign}, of which "
            f"{self.without_effect} changed nothing at all · as if from it {self.claimed} · "
            f"problems {len(self.problems)}"
        )


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a payload did: the response, what people see, the rows, the neighbour's changed ones."""

    seen: Mapping[str, str]
    rows_before: Mapping[str, Sequence[str]]
    rows: Mapping[str, Sequence[str]]
    changed: Sequence[str]  # tables of the neighbour
    errors: Sequence[str]  # which the bot logged

    def difference(self, other: "Effect") -> str:
        mine, theirs = {**self.seen, **self.rows}, {**other.seen, **other.rows}
        found = (
            f"{name}:\n{mine[name]}\n{theirs[name]}" for name in mine if mine[name] != theirs[name]
        )
        return next(found, "")


async def _effect(
    trial: Trial, sample: Sample, payload: Json, *, ids_of_its_own: bool | None = None
) -> Effect:
    """Send a payload in its sample's state, in which a neighbour has moved in unless None."""
    target = trial.target
    core = target.harness.slack.core
    await target.restore(sample.state)
    trial.log.seek(0)
    trial.log.truncate()
    installed.learn(NAME)  # this is not stored
    if ids_of_its_own is not None:
        move_in(target.file, ids_of_its_own=ids_of_its_own)
    before, theirs = (rows_of(target.file, one) for one in (WORKSPACE, NEIGHBOUR))
    trial.marked |= marked_columns(theirs)
    answer = await core.http.deliver(sample.kind, fresh(core, payload), 0, "")
    await target.harness.settle()
    after = rows_of(target.file, NEIGHBOUR)
    return Effect(
        seen={
            "response": masked(f"{answer.status} {answer.body}"),
            "calls": "\n".join(sorted(masked(f"{one.method} {one.args}") for one in core.calls)),
            **{part: masked(text) for part, text in shown(core.workspace).items()},
        },
        rows_before=comparable(before),
        rows=comparable(rows_of(target.file, WORKSPACE)),
        changed=changed_tables(theirs, after),
        errors=[
            line for line in trial.log.getvalue().splitlines() if "exception" in json.loads(line)
        ],
    )


async def _try_beside(trial: Trial, sample: Sample) -> None:
    """Send a payload without a neighbour, and beside one that has the same ids, or its own."""
    alone = await _effect(trial, sample, sample.payload)
    for ids_of_its_own in (False, True):
        beside = await _effect(trial, sample, sample.payload, ids_of_its_own=ids_of_its_own)
        trial.beside += 1
        name = f"{sample.name} beside a neighbour with {OTHER if ids_of_its_own else SAME} ids"
        _judge(trial, name, beside)
        if difference := alone.difference(beside):
            trial.problems[f"{name} has another effect"] = difference


async def _try_foreign(trial: Trial, sample: Sample) -> None:
    """Send a payload with the neighbour's ids: with all of them, and with each alone."""
    text = json.dumps(sample.payload)
    await trial.target.restore(sample.state)
    own_ids = ids_in(text, rows_of(trial.target.file, WORKSPACE))
    choices = {tuple(own_ids), *((one,) for one in own_ids)} if own_ids else set()
    for chosen in sorted(choices):
        changed = text
        for own_id in chosen:
            changed = changed.replace(own_id, foreign(own_id))
        effect = await _effect(trial, sample, json.loads(changed), ids_of_its_own=True)
        trial.foreign += 1
        trial.without_effect += effect.rows == effect.rows_before
        _judge(trial, f"{sample.name} with ids of the neighbour", effect)


async def _try_as_neighbour(trial: Trial, sample: Sample) -> None:
    """Send a payload as if it came from the neighbour, in which this bot is not installed."""
    changed = json.loads(json.dumps(sample.payload).replace(WORKSPACE, NEIGHBOUR))
    effect = await _effect(trial, sample, changed, ids_of_its_own=False)
    trial.claimed += 1
    if effect.rows != effect.rows_before:
        trial.problems[f"{sample.name} from the neighbour changes the first"] = str(effect.rows)
    if sample.name not in LAST_WORDS:  # these are its own to say
        _judge(trial, f"{sample.name} from the neighbour", effect)


def _judge(trial: Trial, name: str, effect: Effect) -> None:
    if effect.changed:
        trial.problems[f"{name} changes it"] = str(effect.changed)
    if parts := [part for part, text in effect.seen.items() if MARK in text]:
        trial.problems[f"{name} shows it"] = str(parts)
    if effect.errors:
        trial.problems[f"{name} fails"] = effect.errors[0]


@pytest.fixture(scope="module")
def trial(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    folder = tmp_path_factory.mktemp("neighbour")

    async def run(log: io.StringIO) -> Trial:
        async with running_target(sqlite_template, folder) as target:
            trial = Trial(target=target, log=log)
            samples = await record(target)
            trial.missed = await missed_handlers(target.bolt, samples)
            for sample in samples:
                await _try_beside(trial, sample)
                await _try_foreign(trial, sample)
                await _try_as_neighbour(trial, sample)
        return trial

    with captured_log() as log:
        yield asyncio.run(run(log))


def test_no_handler_reaches_the_neighbour(trial: Trial) -> None:
    """Nothing of it changes, nothing of it is shown, and no effect is another than without it.

    One test, since workers that share a trial's tests would each run it.
    """
    print(trial.line)
    assert trial.missed == []
    assert trial.marked >= TYPED
    assert trial.problems == {}, trial.line
    assert trial.claimed >= LEAST_PAYLOADS
    assert trial.beside == 2 * trial.claimed
    assert trial.foreign >= LEAST_FOREIGN
    assert trial.without_effect > trial.foreign * 3 / 4  # the rest carries ids of its own as well
