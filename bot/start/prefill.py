"""Initial values of the start form, from the command or from an earlier phase."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import new_id
from bot.phases import rules, store
from bot.phases.model import Phase
from bot.phases.rules import Limits
from bot.slack.errors import Refused
from bot.slack.mrkdwn import clean, quote, truncated, unescape
from bot.start import command_args, draft_store
from bot.start.command_args import Arguments
from bot.start.draft import Draft, Row
from bot.start.draft_store import StoredDraft
from bot.start.eligibility import EligibleLead

#: Characters repeated of what cannot be read as a day.
DAY_SHOWN = 40


def typed(who: EligibleLead, words: Sequence[str]) -> Arguments:
    """What followed the command.

    Raises:
        Refused: a day cannot be read, is past, or too far.
    """
    try:
        said = command_args.read([unescape(word) for word in words], who.today)
    except command_args.Unreadable as error:
        word = f'"{quote(truncated(error.typed, DAY_SHOWN))}"' if error.typed else "nothing"
        raise Refused(command_args.NO_DATE.format(typed=word)) from error
    if said.ends_on is not None:
        refusal = command_args.refusal_of_end(said, who.today, Limits.of(who.settings))
        if refusal is not None:
            raise Refused(refusal)
    return replace(said, milestone=clean(said.milestone))


async def drafted(
    tx: AsyncConnection, who: EligibleLead, said: Arguments, continues: str | None
) -> tuple[StoredDraft, bool]:
    """A new draft, or what this person left unannounced here; and whether it is the latter.

    `continues` is the running phase that the new one follows at once, and repeats. What was left
    about something else is kept beside it.
    """
    where = (who.channel_id, who.lead.user_id)
    draft_id = await draft_store.unfinished_id(tx, who.workspace_id, *where)
    before = await draft_store.find(tx, who.workspace_id, draft_id, where[1]) if draft_id else None
    if before is not None and continues not in (None, before.draft.continues):
        before = None
    draft = _blank(who)
    if before is not None:
        draft = _taken_up(before.draft, who, draft, continues)
    elif continues is not None:
        draft = await _like(tx, who, draft, continues)
    draft = replace(draft, continues=continues, doubted=False, anyway=False)
    kept = StoredDraft(
        draft_id=before.draft_id if before else new_id(),
        channel_id=where[0],
        user_id=where[1],
        draft=_with_typed(draft, said),
        phase_id=None,
    )
    return kept, before is not None


def _taken_up(before: Draft, who: EligibleLead, blank: Draft, continues: str | None) -> Draft:
    """What was left, but for what time has overtaken: a past end, a team nobody chose by hand.

    The team of the phase that it continues was chosen when that began.
    """
    later = before.ends_on > who.today
    chosen = before.more or before.choose_team or continues is not None
    return replace(
        before,
        ends_on=before.ends_on if later else blank.ends_on,
        members=before.members if chosen else None,
    )


async def _like(tx: AsyncConnection, who: EligibleLead, blank: Draft, phase_id: str) -> Draft:
    """A draft that says what a phase said, with an end of its own."""
    found = await store.load(tx, who.workspace_id, phase_id)
    return blank if found is None else _again(found, blank)


def _again(found: Phase, blank: Draft) -> Draft:
    phase = found
    return replace(
        blank,
        kind=phase.kind,
        kind_given=True,
        texts={**asdict(phase.promise), "milestone": phase.milestone},
        rows=tuple(Row(text=item.text, owner_id=item.owner_id) for item in found.items) or (Row(),),
        members=tuple(one.user_id for one in found.members),
        co_leads=tuple(one.user_id for one in found.leads if one.user_id != phase.lead_id),
        weekday=phase.weekday,
        time_of_day=phase.time_of_day,
        remind=phase.remind,
        comments_to=phase.comments_to,
    )


def _blank(who: EligibleLead) -> Draft:
    settings = who.settings
    return Draft(
        ends_on=rules.default_end(who.today, settings.default_weeks),
        weekday=settings.default_weekday,
        time_of_day=settings.default_time,
    )


def _with_typed(draft: Draft, said: Arguments) -> Draft:
    texts = {"milestone": said.milestone} if said.milestone else {}
    return replace(
        draft,
        kind=said.kind or draft.kind,
        kind_given=said.kind is not None or draft.continues is not None,
        ends_on=said.ends_on or draft.ends_on,
        texts={**draft.texts, **texts},
    )
