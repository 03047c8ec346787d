"""The start form from page to page. What was typed is stored before anything is refused."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View

from bot.log import log
from bot.phases import rules, store
from bot.phases.model import Phase
from bot.phases.permissions import actor_from
from bot.phases.rules import PhaseKind, PhaseLimits, SprintHistory
from bot.rounds.phase_plan import planned_rounds
from bot.services import Services
from bot.slack.errors import Refused, classify
from bot.slack.request import Request
from bot.slack.views import open_form, refusal_view, update_form
from bot.start import (
    begin,
    draft_store,
    page_moment,
    page_options,
    page_preview,
    page_promise,
    prefill,
    wizard_views,
    wording,
)
from bot.start.begin import PhaseStart
from bot.start.draft import Draft
from bot.start.draft_store import StoredDraft
from bot.start.eligibility import (
    EligibleChannel,
    EligibleLead,
    eligible_channel,
    eligible_lead,
    join,
    people_errors,
    with_team,
)
from bot.start.promise_texts import with_example

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ChangedPage:
    """A page with more on it, for a button in the form."""

    view: View
    is_repeated: bool  # the button was pressed before: the form has, or will have, it already


#: Action id of the button that opens the form; it carries the channel.
START = "phases.start"


async def open_start(
    services: Services,
    request: Request,
    body: Mapping[str, Any],
    *,
    words: Sequence[str] = (),
    continues: str | None = None,
) -> None:
    """Open the form, filled from the command or from an earlier draft here.

    It opens with what is stored. Slack is asked about the channel afterwards, and again with each
    page that is sent. `continues` is the running phase that the new one follows at once.

    Raises:
        Refused: nothing can be started here, or what was typed cannot be.
    """
    lead = await eligible_lead(services, request)
    page = await _first_page(services, lead, words, continues)
    shown = await open_form(services.client_for(request.workspace_id), body, page)
    services.background_tasks.start(_recheck_channel(services, request, lead, shown))


async def start_in_chosen_channel(services: Services, request: Request) -> View:
    """Return page 1 for a channel chosen in a form, which the page replaces.

    Raises:
        Refused: nothing can be started there.
    """
    return await _first_page(services, await eligible_channel(services, request))


async def _first_page(
    services: Services,
    lead: EligibleLead,
    words: Sequence[str] = (),
    continues: str | None = None,
) -> View:
    async with services.db.transaction() as tx:
        running = await store.active_in(tx, lead.workspace_id, lead.channel_id)
        if running is not None and running.phase_id != continues:
            raise Refused(begin.runs_already(running, may_manage=_may_manage(lead, running)))
        arguments = prefill.parse_arguments(lead, words)
        stored, resumed = await prefill.new_or_resumed_draft(tx, lead, arguments, continues)
        await draft_store.create(tx, lead.workspace_id, stored, services.clock.now())
        return await wizard_views.moment(tx, lead, stored, resumed=resumed, typed=arguments)


async def after_moment(services: Services, request: Request, values: Values) -> View:
    """Handle page 1: return page 2, or page 1 again where it must ask for more.

    Raises:
        Refused: something is missing on page 1.
    """
    stored = await _update_draft(services, request, lambda draft: page_moment.parse(values, draft))
    draft = stored.draft
    if draft.kind is None:
        text = wording.CHOOSE_KIND
        raise Refused(text, {page_moment.KIND_BLOCK: text})
    if too_long := page_moment.refusal_of_difference(draft):
        raise Refused(too_long, {page_moment.DIFFERENCE_BLOCK: too_long})
    if draft.is_ordinary_week and not draft.starts_anyway:
        return await _doubt(services, request, draft)
    eligible = await _eligible_channel(services, stored, request)
    async with services.db.reading() as reader:
        past = await wizard_views.history_of(reader, eligible, draft)
    draft = wizard_views.with_justification_request(eligible, draft, past)
    if draft.justification_request and not draft.text("justification"):
        return await _ask_for_justification(services, request, stored, values)
    draft = await with_team(services, eligible, draft)
    draft = replace(draft, doubt_shown=draft.is_ordinary_week)
    if draft.wants_example and draft.kind is not None:
        draft = with_example(draft, draft.kind)
    stored = await _store_draft(services, request, stored, draft)
    return wizard_views.promise(eligible, stored)


async def choose_kind(services: Services, request: Request, values: Values) -> ChangedPage:
    """Return page 1 for the kind that was just chosen."""
    return await _page_1_with(services, request, values, lambda draft: draft)


async def fill_example(services: Services, request: Request, values: Values) -> ChangedPage:
    """Return page 1; page 2 will hold the example, for *Fill In an Example*."""
    return await _page_1_with(
        services, request, values, lambda draft: replace(draft, wants_example=True)
    )


async def copy_last(services: Services, request: Request, values: Values) -> ChangedPage:
    """Return page 1 with the kind of the channel's last phase, whose texts page 2 will hold."""
    eligible = await _eligible_channel(services, await _load_draft(services, request), request)
    async with services.db.reading() as reader:
        last = await store.latest_in(reader, request.workspace_id, eligible.channel_id)
    if last is None:
        return await choose_kind(services, request, values)
    people = (eligible.lead.user_id, eligible.member_ids)
    return await _page_1_with(
        services, request, values, lambda draft: prefill.copy_of(last, draft, *people)
    )


async def after_promise(services: Services, request: Request, values: Values) -> View:
    """Handle page 2: return the preview, or page 2 again where it must ask for more.

    Raises:
        Refused: something on page 2 is wrong, with sentences beside its fields.
    """
    stored = await _update_draft(services, request, lambda draft: page_promise.parse(values, draft))
    eligible = await _eligible_channel(services, stored, request)
    kind = stored.draft.kind or PhaseKind.RESULTS_SPRINT
    async with services.db.reading() as reader:
        past = await wizard_views.history_of(reader, eligible, stored.draft)
    draft = wizard_views.with_justification_request(eligible, stored.draft, past)
    faults = {**await people_errors(services, eligible, draft), **_faults(eligible, draft, past)}
    stored = await _store_draft(
        services, request, stored, page_promise.unfolded(draft, kind, faults)
    )
    shown = {
        name: text for name, text in faults.items() if page_promise.field_block(name) in values
    }
    if shown:
        by_block = {page_promise.field_block(name): text for name, text in shown.items()}
        raise Refused(next(iter(shown.values())), by_block)
    if not faults:
        return await wizard_views.preview(services, eligible, stored)
    return wizard_views.promise(eligible, stored, faults)


async def announce(services: Services, request: Request) -> View:
    """Handle page 3: start the phase. Return the confirmation, or page 3 with the reason.

    Raises:
        Refused: the draft was deleted.
    """
    stored = await _load_draft(services, request)
    eligible = await _eligible_channel(services, stored, request)
    try:
        await join(services, eligible)
        phase = await begin.start_phase(
            services, request.workspace_id, _phase_start(eligible, stored)
        )
    except Refused as refusal:
        return await wizard_views.preview(services, eligible, stored, refusal.text)
    return page_preview.done(phase, planned_rounds(phase)[0].on)


async def add_row(services: Services, request: Request, values: Values) -> ChangedPage:
    """Return page 2 with one more line for what can wait, for *Add Another*.

    Two quick presses add one line: the second comes from the form as it was before the first.
    """
    wanted = page_promise.rows_shown(values) + 1

    def change(draft: Draft) -> Draft:
        return draft.with_another_row() if len(draft.rows) < wanted else draft

    return await _page_2_with(services, request, values, change)


async def fold_richer(services: Services, request: Request, values: Values) -> ChangedPage:
    """Return page 2 with or without its optional texts, for *Make It Richer*."""

    def change(draft: Draft) -> Draft:
        return replace(draft, is_richer=not page_promise.shows_richer(values))

    return await _page_2_with(services, request, values, change)


async def fold_options(services: Services, request: Request, values: Values) -> ChangedPage:
    """Return page 2 with or without its options, for *Options*."""
    return await _page_2_with(
        services,
        request,
        values,
        lambda draft: replace(draft, more_options=not page_options.are_shown(values)),
    )


async def back(services: Services, request: Request, values: Values, page: str) -> View:
    """Return the page before page 2 or 3, as it was left, for *Back*."""
    if page == page_preview.PAGE:
        stored = await _load_draft(services, request)
        eligible = await _eligible_channel(services, stored, request)
        return wizard_views.promise(eligible, stored)
    stored = await _update_draft(services, request, lambda draft: page_promise.parse(values, draft))
    return await _moment_page(services, request, stored)


async def _recheck_channel(
    services: Services, request: Request, lead: EligibleLead, shown: Mapping[str, Any]
) -> None:
    """Replace the form that is `shown` by the reason where its channel allows no start."""
    client = services.client_for(request.workspace_id)
    try:
        await eligible_channel(services, request, lead)
    except Refused as refusal:
        with suppress(Refused):  # the next page is shown already, or the form was closed
            await update_form(client, shown, refusal_view(refusal))
    except (SlackApiError, ClientError, TimeoutError) as error:
        log.warning("channel_not_rechecked", reason=classify(error).reason)


async def _page_1_with(
    services: Services, request: Request, values: Values, change: Callable[[Draft], Draft]
) -> ChangedPage:
    is_repeated = False

    def parse_and_change(draft: Draft) -> Draft:
        nonlocal is_repeated
        changed = change(page_moment.parse(values, draft))
        is_repeated = changed == draft
        return changed

    stored = await _update_draft(services, request, parse_and_change)
    view = await _moment_page(services, request, stored)
    return ChangedPage(view=view, is_repeated=is_repeated)


async def _page_2_with(
    services: Services, request: Request, values: Values, change: Callable[[Draft], Draft]
) -> ChangedPage:
    is_repeated = False

    def parse_and_change(draft: Draft) -> Draft:
        nonlocal is_repeated
        parsed = page_promise.parse(values, draft)
        changed = change(parsed)
        is_repeated = changed == parsed
        return changed

    stored = await _update_draft(services, request, parse_and_change)
    eligible = await _eligible_channel(services, stored, request)
    view = wizard_views.promise(eligible, stored)
    return ChangedPage(view=view, is_repeated=is_repeated)


async def _doubt(services: Services, request: Request, draft: Draft) -> View:
    if draft.doubt_shown:  # it is on the page already
        block_id = page_moment.level_block("clarity")
        raise Refused(wording.SAY_YES, {block_id: wording.SAY_YES})
    stored = await _update_draft(services, request, lambda draft: replace(draft, doubt_shown=True))
    return await _moment_page(services, request, stored)


async def _ask_for_justification(
    services: Services, request: Request, stored: StoredDraft, values: Values
) -> View:
    if page_moment.JUSTIFICATION_BLOCK in values:
        text = wording.JUSTIFICATION_BLANK
        raise Refused(text, {page_moment.JUSTIFICATION_BLOCK: text})
    return await _moment_page(services, request, stored)


async def _moment_page(services: Services, request: Request, stored: StoredDraft) -> View:
    lead = await eligible_lead(services, replace(request, channel_id=stored.channel_id))
    async with services.db.reading() as reader:
        return await wizard_views.moment(reader, lead, stored)


async def _eligible_channel(
    services: Services, stored: StoredDraft, request: Request
) -> EligibleChannel:
    return await eligible_channel(services, replace(request, channel_id=stored.channel_id))


async def _load_draft(services: Services, request: Request) -> StoredDraft:
    async with services.db.reading() as reader:
        stored = await draft_store.find(
            reader, request.workspace_id, request.target_id, request.user_id
        )
    if stored is None:
        raise Refused(wording.GONE)
    return stored


async def _update_draft(
    services: Services, request: Request, change: Callable[[Draft], Draft]
) -> StoredDraft:
    async with services.db.transaction() as tx:
        stored = await draft_store.find(
            tx, request.workspace_id, request.target_id, request.user_id, lock=True
        )
        if stored is None:
            raise Refused(wording.GONE)
        stored = replace(stored, draft=change(stored.draft))
        await draft_store.save(tx, request.workspace_id, stored, services.clock.now())
    return stored


async def _store_draft(
    services: Services, request: Request, stored: StoredDraft, draft: Draft
) -> StoredDraft:
    """Store a draft that was read in this request."""
    changed = replace(stored, draft=draft)
    async with services.db.transaction() as tx:
        await draft_store.save(tx, request.workspace_id, changed, services.clock.now())
    return changed


def _faults(eligible: EligibleChannel, draft: Draft, past: SprintHistory) -> dict[str, str]:
    """Return what is wrong on page 2, by the field's name."""
    proposal = wizard_views.proposed(eligible, draft)
    limits = PhaseLimits.of(eligible.settings)
    refusals = rules.refusals_to_start(proposal, past, limits, eligible.today)
    by_rules = {refusal.field or "ends_on": refusal.text for refusal in reversed(refusals)}
    return {**page_options.faults(draft), **page_promise.faults(draft, proposal.kind), **by_rules}


def _may_manage(lead: EligibleLead, phase: Phase) -> bool:
    return rules.may_manage(actor_from(lead.lead.user_id, lead.lead), phase.lead_ids)


def _phase_start(eligible: EligibleChannel, stored: StoredDraft) -> PhaseStart:
    return PhaseStart(
        proposal=wizard_views.proposed(eligible, stored.draft),
        settings=eligible.settings,
        answers=stored.draft.answers,
        shares_answers=stored.draft.shows_answers_to_team,
        draft_id=stored.draft_id,
        continues=stored.draft.continues,
        channel_member_ids=eligible.member_ids,
    )
