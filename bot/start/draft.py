"""A phase that is still being written: the input of the start form's pages so far. Pure.

It is kept on the server between the pages, so that a form carries nothing but its id.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, time
from typing import Any

from bot.phases.rules import (
    SET_ASIDE_LIMIT,
    PhaseKind,
    Proposal,
    SetAside,
    SprintPromise,
    TrustPromise,
)

#: From 1 to 5; at this or below, an ordinary week is more likely than the moment for a phase.
ORDINARY_CLARITY = 2
#: Texts that do not keep the form from offering to fill in page 2.
NOT_ON_PAGE_2 = ("milestone", "difference")
TYPED_SHOWN = 200  # characters of what was typed with the command, in a sentence


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line for work that may wait. `owner_id` None: the lead's."""

    text: str = ""
    owner_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The form as filled in so far."""

    kind: PhaseKind | None = None  # None: not chosen yet
    kind_given: bool = False  # typed with the command, so not asked again
    answers: Mapping[str, int | None] = field(default_factory=dict)  # the lead's first reflection
    #: Whether the team sees the lead's first answers beside its own; ignored in a sprint.
    shares_answers: bool = True
    doubt_shown: bool = False  # "this looks like an ordinary week" is on the page
    starts_anyway: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)  # by the names of the rules' fields
    ends_on: date
    stop_if_on: date | None = None  # None: half way
    rows: tuple[Row, ...] = (Row(),)
    justification_request: str | None = None  # why a justification is asked for; None: it is not
    wants_example: bool = False  # the example was asked for
    is_copy: bool = False  # it began as a copy of the channel's last phase
    is_richer: bool = False  # Make It Richer is open
    more_options: bool = False  # Options are open
    members: tuple[str, ...] | None = None  # None: the channel was not read yet
    team_chosen: bool = False  # the lead has seen and sent the team
    team_by_hand: bool = False  # the channel is too large to be the team as a whole
    co_leads: tuple[str, ...] = ()
    weekday: int = 1  # 0 is Monday
    time_of_day: time = time(10, 0)
    remind: bool = True
    comments_to: str = "leads"  # or team
    continues: str | None = None  # the phase that this one follows at once

    @property
    def is_ordinary_week(self) -> bool:
        clarity = self.answers.get("clarity")
        return clarity is not None and clarity <= ORDINARY_CLARITY

    @property
    def shows_answers_to_team(self) -> bool:
        return self.shares_answers and self.kind is PhaseKind.TRUST_BUILDING

    @property
    def has_room_for_row(self) -> bool:
        return len(self.rows) < SET_ASIDE_LIMIT

    @property
    def has_texts(self) -> bool:
        """Return whether anything beyond the milestone was typed."""
        typed = any(text for name, text in self.texts.items() if name not in NOT_ON_PAGE_2)
        return typed or any(row.text for row in self.rows)

    @property
    def is_begun(self) -> bool:
        """Return whether anything was chosen or typed that a person would look for again."""
        is_answered = any(level is not None for level in self.answers.values())
        return is_answered or any(self.texts.values()) or any(row.text for row in self.rows)

    def with_another_row(self) -> "Draft":
        return replace(self, rows=(*self.rows, Row())) if self.has_room_for_row else self

    def text(self, name: str) -> str:
        return self.texts.get(name, "")


def proposal_of(draft: Draft, *, channel_id: str, lead_id: str, zone: str, today: date) -> Proposal:
    """Return what the draft proposes, as the rules read it.

    Raises:
        ValueError: the kind was not chosen yet.
    """
    if draft.kind is None:
        raise ValueError("a draft without a kind proposes nothing")
    leads = {lead_id, *draft.co_leads}
    return Proposal(
        kind=draft.kind,
        channel_id=channel_id,
        lead_id=lead_id,
        co_lead_ids=tuple(user_id for user_id in draft.co_leads if user_id != lead_id),
        member_ids=tuple(user_id for user_id in draft.members or () if user_id not in leads),
        milestone=draft.text("milestone"),
        starts_on=today,
        ends_on=draft.ends_on,
        zone=zone,
        promise=_promise(draft),
        stop_if_on=draft.stop_if_on,
        set_aside=tuple(
            SetAside(text=row.text, owner_id=row.owner_id or lead_id)
            for row in draft.rows
            if row.text
        ),
        justification=draft.text("justification") if draft.justification_request else "",
        difference=draft.text("difference"),
        weekday=draft.weekday,
        time_of_day=draft.time_of_day,
        remind=draft.remind,
        comments_to=draft.comments_to,
    )


def as_json(draft: Draft) -> dict[str, Any]:
    values = asdict(draft)
    values["ends_on"] = draft.ends_on.isoformat()
    values["stop_if_on"] = draft.stop_if_on.isoformat() if draft.stop_if_on else None
    values["time_of_day"] = draft.time_of_day.isoformat("minutes")
    return values


def from_json(stored: Mapping[str, Any]) -> Draft:
    """Return the draft from its stored form."""
    tuples = {
        name: tuple(stored[name]) for name in ("members", "co_leads") if stored[name] is not None
    }
    parsed = {
        "kind": PhaseKind(stored["kind"]) if stored["kind"] else None,
        "ends_on": date.fromisoformat(stored["ends_on"]),
        "stop_if_on": date.fromisoformat(stored["stop_if_on"]) if stored["stop_if_on"] else None,
        "time_of_day": time.fromisoformat(stored["time_of_day"]),
        "rows": tuple(Row(**row) for row in stored["rows"]),
    }
    return Draft(**{**stored, **tuples, **parsed})


def _promise(draft: Draft) -> SprintPromise | TrustPromise:
    promise_type = SprintPromise if draft.kind is PhaseKind.RESULTS_SPRINT else TrustPromise
    names = promise_type.__dataclass_fields__
    return promise_type(**{name: draft.text(name) for name in names})
