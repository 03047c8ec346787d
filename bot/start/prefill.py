"""Initial values of the start form, from the command or from an earlier phase."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import new_id
from bot.dates import day
from bot.ending import extend
from bot.phases import rules, store
from bot.phases.model import Phase, SetAsideItem
from bot.phases.rules import PhaseLimits
from bot.slack.errors import Refused
from bot.slack.mrkdwn import quote_within
from bot.start import command_args, draft_store, wording
from bot.start.command_args import Arguments, Correction
from bot.start.draft import TYPED_SHOWN, Draft, Row
from bot.start.draft_store import StoredDraft
from bot.start.eligibility import EligibleLead


def parse_arguments(eligible: EligibleLead, words: Sequence[str]) -> Arguments:
    """Parse what followed the command.

    Raises:
        Refused: the day is past, or too far, or a word seems to be mistyped.
    """
    today = eligible.today
    arguments = command_args.parse(words, today, eligible.calendar)
    refusal = command_args.refusal_of_end(arguments, today, PhaseLimits.of(eligible.settings))
    if refusal is not None:
        raise Refused(_as_read(arguments.ends_on, today, refusal))
    correction = command_args.correct(words, today, eligible.calendar)
    if correction is not None:
        raise Refused(_meant(wording.MISTYPED_START, correction))
    if len(words) == 1 and arguments.milestone:
        raise Refused(wording.NEITHER.format(typed=quote_within(words[0], TYPED_SHOWN)))
    return arguments


def parse_extension(phase: Phase, words: Sequence[str], today: date) -> date | None:
    """Return the new end that followed `extend`; None: nothing did.

    A time such as "1w" is counted from the end as it is now.

    Raises:
        Refused: it is no day, or not one that the phase may be extended to.
    """
    if not words:
        return None
    arguments = command_args.parse(words, phase.ends_on, phase.calendar)
    if arguments.ends_on is None or arguments.kind or arguments.milestone:
        correction = command_args.correct(words, phase.ends_on, phase.calendar)
        if correction is not None and arguments.ends_on is None:
            raise Refused(_meant(wording.MISTYPED_EXTEND, correction))
        typed = quote_within(" ".join(words), TYPED_SHOWN)
        raise Refused(wording.UNREAD_EXTENSION.format(typed=typed))
    refusal = extend.refusal_of_day(phase, arguments.ends_on, today)
    if refusal is not None:
        raise Refused(_as_read(arguments.ends_on, today, refusal))
    return arguments.ends_on


def _as_read(ends_on: date | None, today: date, refusal: str) -> str:
    """Return the refusal, after the day as it was read where its year may surprise."""
    if ends_on is None or ends_on.year <= today.year:
        return refusal
    return f"{wording.READ_AS.format(day=day(ends_on, today))} {refusal}"


def _meant(template: str, correction: Correction) -> str:
    typed = quote_within(correction.typed, TYPED_SHOWN)
    return template.format(typed=typed, words=quote_within(" ".join(correction.words), TYPED_SHOWN))


async def new_or_resumed_draft(
    tx: AsyncConnection, eligible: EligibleLead, arguments: Arguments, continues: str | None
) -> tuple[StoredDraft, bool]:
    """Return a new draft, or what this person left unannounced here; and whether that was begun.

    `continues` is the running phase that the new one follows at once, and repeats. A draft about
    something else is kept beside it.
    """
    channel_and_user = (eligible.channel_id, eligible.lead.user_id)
    draft_id = await draft_store.unfinished_id(tx, eligible.workspace_id, *channel_and_user)
    before = (
        await draft_store.find(tx, eligible.workspace_id, draft_id, channel_and_user[1])
        if draft_id
        else None
    )
    if before is not None and continues not in (None, before.draft.continues):
        before = None
    draft = _blank(eligible)
    if before is not None:
        draft = _resumed(before.draft, eligible, draft, continues)
    elif continues is not None:
        draft = await _repeating(tx, eligible, draft, continues)
    draft = replace(draft, continues=continues, doubt_shown=False, starts_anyway=False)
    stored = StoredDraft(
        draft_id=before.draft_id if before else new_id(),
        channel_id=channel_and_user[0],
        user_id=channel_and_user[1],
        draft=_with_typed(draft, arguments),
        phase_id=None,
    )
    return stored, before is not None and before.draft.is_begun


def _resumed(before: Draft, eligible: EligibleLead, blank: Draft, continues: str | None) -> Draft:
    """Return the draft without what is outdated: a past end, a team nobody chose by hand.

    The team of the phase that it continues was chosen when that began.
    """
    is_future = before.ends_on > eligible.today
    is_team_chosen = before.team_chosen or continues is not None
    return replace(
        before,
        ends_on=before.ends_on if is_future else blank.ends_on,
        members=before.members if is_team_chosen else None,
    )


async def _repeating(
    tx: AsyncConnection, eligible: EligibleLead, blank: Draft, phase_id: str
) -> Draft:
    """Return a draft that repeats a phase, with an end of its own."""
    phase = await store.load(tx, eligible.workspace_id, phase_id)
    return blank if phase is None else _from_phase(phase, blank)


def copy_of(phase: Phase, draft: Draft, lead_id: str, channel_member_ids: Collection[str]) -> Draft:
    """Return the draft with the texts and options of an earlier phase.

    A milestone typed with the command stays. Of the phase's people, those who are still in the
    channel are copied.
    """
    copied = _from_phase(phase, draft)
    here = {*channel_member_ids} - {lead_id}
    members = tuple(
        person.user_id for person in phase.people if not person.has_left and person.user_id in here
    )
    milestone = draft.text("milestone") or phase.milestone
    return replace(
        copied,
        kind_given=draft.kind_given and draft.kind is phase.kind,
        texts={
            **copied.texts,
            "milestone": milestone,
            "difference": draft.text("difference"),
        },
        members=members or None,
        team_chosen=bool(members),
        co_leads=tuple(user_id for user_id in copied.co_leads if user_id in here),
        is_copy=True,
    )


def _from_phase(phase: Phase, draft: Draft) -> Draft:
    return replace(
        draft,
        kind=phase.kind,
        kind_given=True,
        texts={**asdict(phase.promise), "milestone": phase.milestone},
        rows=tuple(Row(text=item.text, owner_id=item.owner_id) for item in _first_items(phase))
        or (Row(),),
        members=tuple(person.user_id for person in phase.members),
        co_leads=tuple(person.user_id for person in phase.leads if person.user_id != phase.lead_id),
        weekday=phase.weekday,
        time_of_day=phase.time_of_day,
        remind=phase.remind,
        comments_to=phase.comments_to,
    )


def _first_items(phase: Phase) -> Sequence[SetAsideItem]:
    """Return what was on hold until the end, as far as the form has rows."""
    return phase.waiting_items[: rules.SET_ASIDE_LIMIT]


def _blank(eligible: EligibleLead) -> Draft:
    settings = eligible.settings
    return Draft(
        ends_on=rules.default_end(eligible.today, settings.default_weeks, eligible.calendar),
        weekday=settings.default_weekday,
        time_of_day=settings.default_time,
    )


def _with_typed(draft: Draft, arguments: Arguments) -> Draft:
    texts = {"milestone": arguments.milestone} if arguments.milestone else {}
    return replace(
        draft,
        kind=arguments.kind or draft.kind,
        kind_given=arguments.kind is not None or draft.continues is not None,
        ends_on=arguments.ends_on or draft.ends_on,
        texts={**draft.texts, **texts},
    )
