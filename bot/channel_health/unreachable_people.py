"""People the bot may not write to: they are sent nothing more, and co-leads are told."""

from datetime import datetime

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.schedule import AgendaItem, run_item
from bot.agenda.slots import within_hours
from bot.channel_health import messages as words
from bot.channel_health import pause
from bot.channel_health.failure_policy import PERSONAL_KINDS, UNREACHABLE
from bot.log import log
from bot.outbox import enqueue, keys, requeue
from bot.outbox.enqueue import Operation
from bot.phases import store
from bot.phases.model import Phase
from bot.services import Services
from bot.slack.errors import ErrorKind, classify, reason_of
from bot.slack.people import Person, admins_among, mark_unreachable, store_people, stored_admins

#: How many admins are told, and how many pages of people are read to find one.
ADMINS_TOLD, PAGES, PAGE = 3, 5, 200


async def drop_person(services: Services, item: AgendaItem) -> None:
    """Send a person nothing more until Slack says that the account is active again.

    They still count among those asked, and no message names them as missing. If they lead a phase,
    their co-leads are told; if there are none, workspace admins are.
    """
    now = services.clock.now()
    user_id = item.subject
    async with run_item(services.db, item) as tx:
        await mark_unreachable(tx, item.workspace_id, user_id, now)
        log.info("person_unreachable", workspace=item.workspace_id)
        for phase in await store.phases_of(tx, item.workspace_id, user_id):
            if phase.is_led_by(user_id):
                await _notify_others(tx, item.workspace_id, phase, user_id, now)


async def tell_admins(services: Services, item: AgendaItem) -> None:
    """Tell some workspace admins, once, that no lead of a phase can be reached."""
    client = services.client_for(item.workspace_id)
    async with services.db.reading() as reader:
        admins = await stored_admins(reader, item.workspace_id)
    if not admins:
        admins = await _look_for_admins(services, client, item.workspace_id)
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await store.load(tx, item.workspace_id, item.subject)
        if phase is None or phase.reachable_leads:
            return
        runs = phase.is_active
        if not admins:
            log.warning("no_admin_found", workspace=item.workspace_id, phase=item.subject)
        for admin in admins[:ADMINS_TOLD]:
            await enqueue.post(
                tx,
                item.workspace_id,
                key=(keys.nobody_leads if runs else keys.nobody_reads)(
                    phase.phase_id, admin.user_id
                ),
                to=admin.user_id,
                content=(words.no_reachable_lead if runs else words.no_reachable_lead_after_end)(
                    phase
                ),
                now=within_hours(now, admin.zone or phase.zone, phase.calendar),
            )


async def resend_personal_messages(services: Services, item: AgendaItem) -> None:
    """Send what people wrote for a person whose account is active again.

    It waits for their working hours. The bot's own messages from meanwhile are outdated and not
    sent.
    """
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        count = await requeue.retry_failed(
            tx,
            item.workspace_id,
            conversation=item.subject,
            reasons=tuple(UNREACHABLE),
            now=now,
            operations=(Operation.POST,),
            kinds=PERSONAL_KINDS,
        )
        if count:
            log.info("personal_messages_resent", workspace=item.workspace_id, messages=count)


ACTIONS = (
    AgendaAction(name=ActionName.DROP_PERSON, run=drop_person),
    AgendaAction(name=ActionName.TELL_ADMINS, run=tell_admins),
    AgendaAction(name=ActionName.SEND_AGAIN_TO_PERSON, run=resend_personal_messages),
)


async def _notify_others(
    tx: AsyncConnection, workspace_id: str, phase: Phase, user_id: str, now: datetime
) -> None:
    phase_id = phase.phase_id
    if not phase.reachable_leads:
        await schedule.add(
            tx, workspace_id, action=ActionName.TELL_ADMINS, subject=phase_id, due_at=now
        )
        return
    name = next(unreachable.name for unreachable in phase.leads if unreachable.user_id == user_id)
    content = words.co_lead_unreachable(phase, name)
    for lead in phase.reachable_leads:
        key = keys.other_lead_unreachable(phase_id, user_id, lead.user_id)
        await pause.send_once(tx, workspace_id, phase, lead, key, content, now)


async def _look_for_admins(
    services: Services, client: AsyncWebClient, workspace_id: str
) -> tuple[Person, ...]:
    """Return some admins from the first pages of users; none if Slack refuses to say."""
    cursor = ""
    for _ in range(PAGES):
        try:
            page = await services.reads.read(
                workspace_id, client.users_list, limit=PAGE, cursor=cursor
            )
        except SlackApiError as error:
            if classify(error).kind is not ErrorKind.PERMANENT:
                raise
            log.warning("admins_not_read", workspace=workspace_id, reason=reason_of(error))
            return ()
        page_admins = admins_among(page["members"])
        async with services.db.transaction() as tx:
            await store_people(tx, workspace_id, page_admins, services.clock.now())
            admins = await stored_admins(tx, workspace_id)
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if admins or not cursor:
            return admins
    return ()
