"""Example phases for tests of messages and forms, and a hostile text."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from bot.phases.model import Participant, Phase, SetAsideItem
from bot.phases.rules import PhaseKind, SprintPromise, TrustPromise
from tests.harness import ANA, BEN, CHIARA, DEV, EMI, FINN, LAUNCH

TODAY = date(2026, 12, 4)
HOSTILE = "<!channel> & <@U0BEN> *bold* `code`\u2028😀 שלום"
#: As it is stored: every kind of line break is a line feed.
STORED_HOSTILE = HOSTILE.replace("\u2028", "\n")

SPRINT_PROMISE = SprintPromise(
    stakes="Two customers decide on 21 Dec.",
    ask="Fast reviews, one late test night.",
    protected="Weekends, 1:1s, booked leave.",
    why_you="Each of you owns a piece nobody else can.",
    give_up="My roadmap review, polish.",
)
TRUST_PROMISE = TrustPromise(
    purpose="Decide together without waiting for me.",
    mistakes_fine="Internal tools, first drafts.",
    mistakes_not="Customer data.",
    listening="Open hour Thursdays; you speak first.",
    yours_to_shape="How we review and meet.",
    give_up="Having the last word on design.",
)
_SPRINT = Phase(
    phase_id="phase1",
    channel_id=LAUNCH,
    kind=PhaseKind.RESULTS_SPRINT,
    is_active=True,
    lead_id=ANA,
    zone="Europe/Lisbon",
    milestone="ship the beta",
    promise=SPRINT_PROMISE,
    justification=None,
    started_at=datetime(2026, 12, 4, 9, tzinfo=UTC),
    starts_on=TODAY,
    ends_on=date(2026, 12, 18),
    original_ends_on=date(2026, 12, 18),
    extension_reason=None,
    recovery_until=date(2027, 1, 2),
    weekday=1,
    time_of_day=time(10, 0),
    remind=True,
    comments_to="leads",
    ended_at=None,
    ended_by=None,
    outcome=None,
    learning=None,
    thanks=None,
    wrapped_up_at=None,
    wrapped_up_by=None,
)
_TRUST = replace(
    _SPRINT,
    kind=PhaseKind.TRUST_BUILDING,
    milestone="new platform team",
    promise=TRUST_PROMISE,
    recovery_until=None,
)
NAMES = {ANA: "Ana", BEN: "Ben", CHIARA: "Chiara", DEV: "Dev", EMI: "Emi", FINN: "Finn"}


def participant(user_id: str, **changes: Any) -> Participant:
    values = {
        "user_id": user_id,
        "name": NAMES[user_id],
        "zone": None,
        "is_lead": user_id == ANA,
        "has_left": False,
        "contribution": None,
        "thanks_line": None,
    }
    return Participant(**{**values, **changes})


def item(position: int, text: str, owner_id: str) -> SetAsideItem:
    return SetAsideItem(
        position=position,
        text=text,
        owner_id=owner_id,
        owner_name=NAMES[owner_id],
        outcome=None,
        parked_until=None,
    )


TEAM = tuple(participant(user_id) for user_id in NAMES)
SPRINT = replace(
    _SPRINT, people=TEAM, set_aside_items=(item(0, "Dark mode", BEN), item(1, "hiring", ANA))
)
TRUST = replace(_TRUST, people=TEAM, set_aside_items=(item(0, "The reporting rewrite", ANA),))
