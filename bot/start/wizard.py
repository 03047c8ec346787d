"""The start form from page to page. What was typed is kept before anything is refused."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View

from bot.log import log
from bot.phases import rules, store
from bot.phases.history import past_of
from bot.phases.rules import NEEDS_JUSTIFICATION, Limits, Proposal, SprintHistory
from bot.rounds.rules import plan
from bot.services import Services
from bot.slack.errors import Refused, verdict
from bot.slack.request import Request
from bot.slack.views import change_form, open_form, refusal_view
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
    with_team,
    wrong_people,
)

Values = Mapping[str, Any]


#: The button that opens the form; it carries the channel.
START = "phases.start"


async def open_start(
    services: Services,
    request: Request,
    body: Mapping[str, Any],
    *,
    words: Sequence[str] = (),
    continues: str | None = None,
) -> None:
    """Open the form, filled with what was typed: after the command, or here before.

    It opens by what is known here. How the channel is, Slack is asked afterwards, and again with
    each page that is sent. `continues` is the running phase that the new one follows at once.

    Raises:
        Refused: nothing can be started here, or what was typed cannot be.
    """
    workspace_id = request.workspace_id
    lead = await eligible_lead(services, request)
    async with services.db.transaction() as tx:
        running = await store.active_in(tx, workspace_id, lead.channel_id)
        if running is not None and running.phase_id != continues:
            raise Refused(begin.runs_already(running))
        said = prefill.typed(lead, words)
        kept, resumed = await prefill.drafted(tx, lead, said, continues)
        await draft_store.create(tx, workspace_id, kept, services.clock.now())
        page = await wizard_views.moment(tx, lead, kept, resumed=resumed)
    shown = await open_form(services.client_for(workspace_id), body, page)
    services.background_tasks.do(_recheck_channel(services, request, lead, shown))


async def after_moment(services: Services, request: Request, values: Values) -> View:
    """Page 1 was sent: returns page 2, or page 1 again with its doubt.

    Raises:
        Refused: something is missing on page 1.
    """
    kept = await _changed(services, request, lambda draft: page_moment.parse(values, draft))
    draft = kept.draft
    if draft.kind is None:
        raise Refused(page_moment.CHOOSE, {page_moment.KIND_BLOCK: page_moment.CHOOSE})
    if draft.is_ordinary and not draft.anyway:
        return await _doubt(services, request, draft)
    scene = await _scene(services, kept, request)
    filled = await with_team(services, scene, draft)
    filled = replace(filled, doubted=filled.is_ordinary)
    kept = await _stored(services, request, kept, filled)
    return await _promise(services, scene, kept)


async def after_promise(services: Services, request: Request, values: Values) -> View:
    """Page 2 was sent: returns the preview, or page 2 again where it must ask for more.

    Raises:
        Refused: something on page 2 cannot be so, with sentences beside its fields.
    """
    kept = await _changed(services, request, lambda draft: page_promise.parse(values, draft))
    scene = await _scene(services, kept, request)
    async with services.db.reading() as reader:
        proposal = wizard_views.proposed(scene, kept.draft)
        limits = Limits.of(scene.settings)
        past = await past_of(reader, scene.workspace_id, proposal, limits, kept.draft.continues)
    draft = _justified(kept.draft, proposal, past)
    faults = {**await wrong_people(services, scene, draft), **_faults(scene, draft, past)}
    if set(faults) & set(page_options.NAMES):
        draft = replace(draft, more=True)
    kept = await _stored(services, request, kept, draft)
    shown = {
        name: text for name, text in faults.items() if page_promise.field_block(name) in values
    }
    if shown:
        beside = {page_promise.field_block(name): text for name, text in shown.items()}
        raise Refused(next(iter(shown.values())), beside)
    if not faults:
        return await wizard_views.preview(services, scene, kept)
    return await _promise(services, scene, kept, faults)


async def announce(services: Services, request: Request) -> View:
    """Page 3 was sent: the phase begins. Returns the confirmation, or page 3 with the reason.

    Raises:
        Refused: the form was forgotten.
    """
    kept = await _kept(services, request)
    scene = await _scene(services, kept, request)
    try:
        await join(services, scene)
        phase = await begin.start(services, request.workspace_id, _beginning(scene, kept))
    except Refused as refusal:
        return await wizard_views.preview(services, scene, kept, refusal.text)
    first = plan(phase.starts_on, phase.ends_on, phase.weekday)[0]
    return page_preview.done(phase, first.on)


async def add_row(services: Services, request: Request, values: Values) -> View:
    """*Add another*: page 2 with one more line for what can wait."""
    return await _page_2_with(services, request, values, lambda draft: draft.with_another_row())


async def show_more(services: Services, request: Request, values: Values) -> View:
    """*More options*: page 2 with all of its inputs."""
    return await _page_2_with(services, request, values, lambda draft: replace(draft, more=True))


async def back(services: Services, request: Request, values: Values, page: str) -> View:
    """*Back* on page 2 or 3: the page before it, as it was left."""
    if page == page_preview.PAGE:
        kept = await _kept(services, request)
        return await _promise(services, await _scene(services, kept, request), kept)
    kept = await _changed(services, request, lambda draft: page_promise.parse(values, draft))
    return await _moment(services, request, kept)


async def _recheck_channel(
    services: Services, request: Request, lead: EligibleLead, shown: Mapping[str, Any]
) -> None:
    """Say it in the form that is `shown` where nothing can be started in its channel."""
    client = services.client_for(request.workspace_id)
    try:
        await eligible_channel(services, request, lead)
    except Refused as refusal:
        with suppress(Refused):  # the next page is shown already, or it was closed
            await change_form(client, shown, refusal_view(refusal))
    except (SlackApiError, ClientError, TimeoutError) as error:
        log.warning("channel_not_looked_at", reason=verdict(error).reason)


async def _page_2_with(
    services: Services, request: Request, values: Values, change: Callable[[Draft], Draft]
) -> View:
    kept = await _changed(
        services, request, lambda draft: change(page_promise.parse(values, draft))
    )
    return await _promise(services, await _scene(services, kept, request), kept)


async def _doubt(services: Services, request: Request, draft: Draft) -> View:
    if draft.doubted:  # it stands on the page already
        block_id = page_moment.level_block("clarity")
        raise Refused(page_moment.SAY_YES, {block_id: page_moment.SAY_YES})
    kept = await _changed(services, request, lambda draft: replace(draft, doubted=True))
    return await _moment(services, request, kept)


async def _moment(services: Services, request: Request, kept: StoredDraft) -> View:
    scene = await _scene(services, kept, request)
    async with services.db.reading() as reader:
        return await wizard_views.moment(reader, scene, kept)


async def _promise(
    services: Services,
    scene: EligibleChannel,
    kept: StoredDraft,
    told: Mapping[str, str] | None = None,
) -> View:
    async with services.db.reading() as reader:
        return await wizard_views.promise(reader, scene, kept, told)


async def _scene(services: Services, kept: StoredDraft, request: Request) -> EligibleChannel:
    return await eligible_channel(services, replace(request, channel_id=kept.channel_id))


async def _kept(services: Services, request: Request) -> StoredDraft:
    async with services.db.reading() as reader:
        kept = await draft_store.find(
            reader, request.workspace_id, request.target_id, request.user_id
        )
    if kept is None:
        raise Refused(GONE)
    return kept


async def _changed(
    services: Services, request: Request, change: Callable[[Draft], Draft]
) -> StoredDraft:
    async with services.db.transaction() as tx:
        kept = await draft_store.find(
            tx, request.workspace_id, request.target_id, request.user_id, to_write=True
        )
        if kept is None:
            raise Refused(GONE)
        kept = replace(kept, draft=change(kept.draft))
        await draft_store.save(tx, request.workspace_id, kept, services.clock.now())
    return kept


async def _stored(
    services: Services, request: Request, kept: StoredDraft, draft: Draft
) -> StoredDraft:
    """Store a draft that was read in this request."""
    changed = replace(kept, draft=draft)
    async with services.db.transaction() as tx:
        await draft_store.save(tx, request.workspace_id, changed, services.clock.now())
    return changed


def _justified(draft: Draft, proposal: Proposal, past: SprintHistory) -> Draft:
    """The draft that asks for a justification exactly where the rules do."""
    reason = rules.needs_justification(proposal, past)
    sentence = NEEDS_JUSTIFICATION.format(reason=reason) if reason else None
    return replace(draft, justify=sentence)


def _faults(scene: EligibleChannel, draft: Draft, past: SprintHistory) -> dict[str, str]:
    proposal = wizard_views.proposed(scene, draft)
    limits = Limits.of(scene.settings)
    found = rules.refusals_to_start(proposal, past, limits, scene.today)
    ruled = {refusal.field or "ends_on": refusal.text for refusal in reversed(found)}
    return {**page_options.faults(draft), **page_promise.faults(draft, proposal.kind), **ruled}


def _beginning(scene: EligibleChannel, kept: StoredDraft) -> PhaseStart:
    return PhaseStart(
        proposal=wizard_views.proposed(scene, kept.draft),
        settings=scene.settings,
        answers=kept.draft.answers,
        draft_id=kept.draft_id,
        continues=kept.draft.continues,
        in_channel=scene.member_ids,
    )
