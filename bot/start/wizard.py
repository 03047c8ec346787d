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
from bot.phases.history import sprint_history
from bot.phases.rules import NEEDS_JUSTIFICATION, PhaseLimits, Proposal, SprintHistory
from bot.rounds.rules import plan
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
)
from bot.start.begin import GONE, PhaseStart
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
    workspace_id = request.workspace_id
    lead = await eligible_lead(services, request)
    async with services.db.transaction() as tx:
        running = await store.active_in(tx, workspace_id, lead.channel_id)
        if running is not None and running.phase_id != continues:
            raise Refused(begin.runs_already(running))
        arguments = prefill.parse_arguments(lead, words)
        stored, resumed = await prefill.new_or_resumed_draft(tx, lead, arguments, continues)
        await draft_store.create(tx, workspace_id, stored, services.clock.now())
        page = await wizard_views.moment(tx, lead, stored, resumed=resumed, typed=arguments)
    shown = await open_form(services.client_for(workspace_id), body, page)
    services.background_tasks.start(_recheck_channel(services, request, lead, shown))


async def after_moment(services: Services, request: Request, values: Values) -> View:
    """Handle page 1: return page 2, or page 1 again with its doubt.

    Raises:
        Refused: something is missing on page 1.
    """
    stored = await _update_draft(services, request, lambda draft: page_moment.parse(values, draft))
    draft = stored.draft
    if draft.kind is None:
        raise Refused(page_moment.CHOOSE, {page_moment.KIND_BLOCK: page_moment.CHOOSE})
    if draft.is_ordinary_week and not draft.starts_anyway:
        return await _doubt(services, request, draft)
    eligible = await _eligible_channel(services, stored, request)
    filled = await with_team(services, eligible, draft)
    filled = replace(filled, doubt_shown=filled.is_ordinary_week)
    stored = await _store_draft(services, request, stored, filled)
    return await _promise_page(services, eligible, stored)


async def after_promise(services: Services, request: Request, values: Values) -> View:
    """Handle page 2: return the preview, or page 2 again where it must ask for more.

    Raises:
        Refused: something on page 2 is wrong, with sentences beside its fields.
    """
    stored = await _update_draft(services, request, lambda draft: page_promise.parse(values, draft))
    eligible = await _eligible_channel(services, stored, request)
    async with services.db.reading() as reader:
        proposal = wizard_views.proposed(eligible, stored.draft)
        limits = PhaseLimits.of(eligible.settings)
        past = await sprint_history(
            reader, eligible.workspace_id, proposal, limits, stored.draft.continues
        )
    draft = _with_justification(stored.draft, proposal, past)
    faults = {**await people_errors(services, eligible, draft), **_faults(eligible, draft, past)}
    if set(faults) & set(page_options.NAMES):
        draft = replace(draft, more_options=True)
    stored = await _store_draft(services, request, stored, draft)
    shown = {
        name: text for name, text in faults.items() if page_promise.field_block(name) in values
    }
    if shown:
        by_block = {page_promise.field_block(name): text for name, text in shown.items()}
        raise Refused(next(iter(shown.values())), by_block)
    if not faults:
        return await wizard_views.preview(services, eligible, stored)
    return await _promise_page(services, eligible, stored, faults)


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
    first = plan(phase.starts_on, phase.ends_on, phase.weekday)[0]
    return page_preview.done(phase, first.on)


async def add_row(services: Services, request: Request, values: Values) -> ChangedPage:
    """Return page 2 with one more line for what can wait, for *Add another*.

    Two quick presses add one line: the second comes from the form as it was before the first.
    """
    wanted = page_promise.rows_shown(values) + 1

    def change(draft: Draft) -> Draft:
        return draft.with_another_row() if len(draft.rows) < wanted else draft

    return await _page_2_with(services, request, values, change)


async def show_more(services: Services, request: Request, values: Values) -> ChangedPage:
    """Return page 2 with all of its inputs, for *More options*."""
    return await _page_2_with(
        services, request, values, lambda draft: replace(draft, more_options=True)
    )


async def back(services: Services, request: Request, values: Values, page: str) -> View:
    """Return the page before page 2 or 3, as it was left, for *Back*."""
    if page == page_preview.PAGE:
        stored = await _load_draft(services, request)
        return await _promise_page(
            services, await _eligible_channel(services, stored, request), stored
        )
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
    view = await _promise_page(services, eligible, stored)
    return ChangedPage(view=view, is_repeated=is_repeated)


async def _doubt(services: Services, request: Request, draft: Draft) -> View:
    if draft.doubt_shown:  # it is on the page already
        block_id = page_moment.level_block("clarity")
        raise Refused(page_moment.SAY_YES, {block_id: page_moment.SAY_YES})
    stored = await _update_draft(services, request, lambda draft: replace(draft, doubt_shown=True))
    return await _moment_page(services, request, stored)


async def _moment_page(services: Services, request: Request, stored: StoredDraft) -> View:
    eligible = await _eligible_channel(services, stored, request)
    async with services.db.reading() as reader:
        return await wizard_views.moment(reader, eligible, stored)


async def _promise_page(
    services: Services,
    eligible: EligibleChannel,
    stored: StoredDraft,
    told: Mapping[str, str] | None = None,
) -> View:
    async with services.db.reading() as reader:
        return await wizard_views.promise(reader, eligible, stored, told)


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
        raise Refused(GONE)
    return stored


async def _update_draft(
    services: Services, request: Request, change: Callable[[Draft], Draft]
) -> StoredDraft:
    async with services.db.transaction() as tx:
        stored = await draft_store.find(
            tx, request.workspace_id, request.target_id, request.user_id, lock=True
        )
        if stored is None:
            raise Refused(GONE)
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


def _with_justification(draft: Draft, proposal: Proposal, past: SprintHistory) -> Draft:
    """Return the draft that asks for a justification exactly where the rules do."""
    reason = rules.needs_justification(proposal, past)
    sentence = NEEDS_JUSTIFICATION.format(reason=reason) if reason else None
    return replace(draft, justification_request=sentence)


def _faults(eligible: EligibleChannel, draft: Draft, past: SprintHistory) -> dict[str, str]:
    proposal = wizard_views.proposed(eligible, draft)
    limits = PhaseLimits.of(eligible.settings)
    refusals = rules.refusals_to_start(proposal, past, limits, eligible.today)
    by_rules = {refusal.field or "ends_on": refusal.text for refusal in reversed(refusals)}
    return {**page_options.faults(draft), **page_promise.faults(draft, proposal.kind), **by_rules}


def _phase_start(eligible: EligibleChannel, stored: StoredDraft) -> PhaseStart:
    return PhaseStart(
        proposal=wizard_views.proposed(eligible, stored.draft),
        settings=eligible.settings,
        answers=stored.draft.answers,
        draft_id=stored.draft_id,
        continues=stored.draft.continues,
        channel_member_ids=eligible.member_ids,
    )
