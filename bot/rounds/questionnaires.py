"""The questions as put to one person, read alike wherever they are shown.

The weekly message, the reminder, each redraw of them, the forms and App Home are all built from
this, so that after any answer a message shows what is stored.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.upserts import padded
from bot.phases.rules import PhaseKind
from bot.promises.model import Reply
from bot.results.store import latest_reply, latest_shown_of
from bot.rounds.model import Introduction, QuestionnaireView, Round
from bot.rounds.store import as_round

_rounds = schema.rounds
_phases = schema.phases
_roster = schema.round_people
_people = schema.phase_people

#: What `as_questionnaire` reads beside the columns of the round and the person's role.
COLUMNS = (
    _phases.c.channel_id,
    _phases.c.kind.label("phase_kind"),
    _phases.c.milestone,
    _phases.c.ends_on,
    _phases.c.comments_to,
    _people.c.expectation,
    _people.c.expectation_shown_in,
    _people.c.expectation_reply,
    _people.c.introduced_in,
    latest_reply(_rounds, "name").label("reply_by"),
    latest_reply(_rounds, "heard").label("reply_heard"),
    latest_reply(_rounds, "text").label("reply_text"),
    latest_reply(_rounds, "is_change").label("reply_is_change"),
    latest_shown_of(_rounds, "results_link").label("last_results_link"),
)
IS_PHASE = and_(
    _phases.c.workspace_id == _rounds.c.workspace_id, _phases.c.phase_id == _rounds.c.phase_id
)


async def load(
    tx: AsyncConnection, workspace_id: str, round_id: str, user_ids: Iterable[str]
) -> dict[str, QuestionnaireView]:
    """Return the questions as put to each of these people on the round's roster."""
    rows = await tx.execute(
        select(_rounds, _roster.c.user_id, _roster.c.role, *COLUMNS)
        .join(_phases, IS_PHASE)
        .join(
            _roster,
            and_(
                _roster.c.workspace_id == _rounds.c.workspace_id,
                _roster.c.round_id == _rounds.c.round_id,
            ),
        )
        .outerjoin(
            _people,
            and_(
                _people.c.workspace_id == _rounds.c.workspace_id,
                _people.c.phase_id == _rounds.c.phase_id,
                _people.c.user_id == _roster.c.user_id,
            ),
        )
        .where(
            _rounds.c.workspace_id == workspace_id,
            _rounds.c.round_id == round_id,
            _roster.c.user_id.in_(padded(user_ids)),
        )
    )
    return {row.user_id: as_questionnaire(row, as_round(row._mapping)) for row in rows}


def as_questionnaire(row: Row[Any], round_: Round) -> QuestionnaireView:
    """Return the questions from a row with these columns; its round is already read."""
    to_lead = row.role == "lead"
    is_first = row.introduced_in == round_.round_id
    shows_expectation = row.expectation_shown_in == round_.round_id
    return QuestionnaireView(
        round_id=round_.round_id,
        phase_id=round_.phase_id,
        phase_kind=PhaseKind(row.phase_kind),
        kind=round_.kind,
        channel_id=row.channel_id,
        to_lead=to_lead,
        leads=round_.leads,
        minimum=round_.minimum,
        questions=round_.questions,
        closes_at=round_.closes_at,
        comments_to=row.comments_to,
        reply=None if to_lead else _reply(row),
        reply_by=row.reply_by or "",
        results_link=None if to_lead else row.last_results_link,
        introduction=Introduction(milestone=row.milestone, ends_on=row.ends_on)
        if is_first and not to_lead
        else None,
        expectation=row.expectation if shows_expectation and not to_lead else None,
        has_replied=row.expectation_reply is not None,
        check=None if to_lead else round_.check,
    )


def _reply(row: Row[Any]) -> Reply | None:
    if row.reply_text is None:
        return None
    return Reply(heard=row.reply_heard, text=row.reply_text, is_change=row.reply_is_change)
