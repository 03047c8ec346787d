"""The check of a round that opens: what decides it is read, and the columns it is stored in."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.checks.model import Check, CheckFacts, CheckKind, EarlierRound
from bot.checks.rules import choose_check
from bot.phases.model import Phase
from bot.phases.privacy import differ_by_one
from bot.phases.rules import PhaseKind
from bot.promises import store as promise_store
from bot.promises.model import OpenedRound, Promise
from bot.promises.rules import due_for_check
from bot.rounds.model import Opening, PastRound
from bot.rounds.rules import RoundKind


async def check_columns(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    opening: Opening,
    can_answer: Collection[str],
    earlier: Sequence[PastRound],
) -> dict[str, Any]:
    """Return the columns of the check that the round is to ask; none if it asks none.

    `earlier` are the phase's rounds before it. A poll asks the three questions alone: what else is
    asked has its turn each week.
    """
    if not phase.settings.asks_checks or not earlier or opening.kind is RoundKind.POLL:
        return {}
    promises = await promise_store.of_phase(tx, workspace_id, phase.phase_id)
    facts = CheckFacts(
        is_enabled=phase.settings.asks_checks,
        earlier=tuple(
            EarlierRound(
                check=past.round.check.kind if past.round.check else None,
                is_low=past.is_low,
                differs_by_one=differ_by_one(can_answer, past.can_answer),
            )
            for past in earlier
        ),
        is_closing=opening.kind is RoundKind.CLOSING,
        is_after_end=not phase.is_active,
        has_asked_since_end=any(past.round.kind is RoundKind.AFTER for past in earlier),
        day=(phase.day_of(opening.at) - phase.starts_on).days,
        planned_days=(phase.ends_on - phase.starts_on).days,
        has_protected=bool(phase.protected),
        books_recovery=phase.kind is PhaseKind.RESULTS_SPRINT,
        due_promise=_due_promise(promises, earlier),
    )
    check = choose_check(facts)
    return {} if check is None else _columns(check, phase)


def _due_promise(promises: Sequence[Promise], earlier: Sequence[PastRound]) -> Promise | None:
    """Return the promise to ask about, without those that an open round is asking about."""
    opened = [
        OpenedRound(
            round_id=past.round.round_id,
            number=past.round.number,
            opened_at=past.round.opened_at,
        )
        for past in earlier
    ]
    being_asked = {
        past.round.check.subject for past in earlier if past.round.is_open and past.round.check
    }
    waiting = [promise for promise in promises if promise.promise_id not in being_asked]
    return due_for_check(waiting, opened, earlier[-1].round.number + 1)


def _columns(check: Check, phase: Phase) -> dict[str, Any]:
    texts = {
        CheckKind.PROMISE: check.promise.text if check.promise else None,
        CheckKind.PROTECTED: phase.protected,
    }
    return {
        "check_kind": check.kind,
        "check_subject": check.subject,
        "check_text": texts.get(check.kind),
    }
