"""All tables except the ballots': columns, and the constraint behind each guarantee.

The ballots and their secrets are read and written in `bot/rounds/ballots.py` only. Every key begins
with the workspace, so no row can be reached from another workspace.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    Time,
    false,
    text,
    true,
)

from bot.db.encrypted_columns import EncryptedJson, EncryptedPayload, EncryptedText
from bot.db.types import OwnId, SlackId, UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _workspace() -> Column[str]:
    return Column("workspace_id", SlackId, primary_key=True)


def _to_phase() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["workspace_id", "phase_id"],
        ["phases.workspace_id", "phases.phase_id"],
        ondelete="CASCADE",
    )


def _to_round() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["workspace_id", "round_id"],
        ["rounds.workspace_id", "rounds.round_id"],
        ondelete="CASCADE",
    )


# --- workspaces -----------------------------------------------------------------------------

workspaces = Table(
    "workspaces",
    metadata,
    _workspace(),
    Column("name", String(255), nullable=False),
    Column("app_id", SlackId, nullable=False, server_default=""),
    Column("bot_user_id", SlackId, nullable=False),
    Column("command_name", String(32)),  # of the slash command; null: it was not used yet
    #: installed, or uninstalled: nothing is sent any more.
    Column("state", String(16), nullable=False, server_default="installed"),
    #: only what differs from the defaults of `bot.workspaces.rules.WorkspaceSettings`.
    Column("settings", JSON, nullable=False, server_default="{}"),
    Column("installed_at", UtcDateTime, nullable=False),
    #: the organisation whose installation for all its workspaces covers this one; null: none does.
    Column("org_id", SlackId, index=True),
)

#: Installations through OAuth, in one workspace or for a whole organisation, whose id then stands
#: for the workspace's. The token is encrypted with the key of IMBALANCE_KEYS that has this id.
installations = Table(
    "installations",
    metadata,
    _workspace(),
    Column("enterprise_id", SlackId),  # null: the workspace is in no organisation
    Column("name", String(255), nullable=False),
    Column("app_id", SlackId, nullable=False),
    Column("bot_user_id", SlackId, nullable=False),
    Column("bot_id", SlackId),  # null: Slack did not say
    Column("installed_at", UtcDateTime, nullable=False),
    Column("scopes", Text, nullable=False),  # separated by commas
    Column("key_id", String(16), nullable=False),
    Column("sealed_token", LargeBinary, nullable=False),
)

#: OAuth states of installations under way, whose workspace is not known yet.
oauth_states = Table(
    "oauth_states",
    metadata,
    Column("state_hash", String(64), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

#: People as Slack last described them; refreshed by events, so rounds need no call per person.
people = Table(
    "people",
    metadata,
    _workspace(),
    Column("user_id", SlackId, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("zone", String(64)),  # null: Slack gave none; the caller's default applies
    #: this workspace for everybody who is in it; null, like any other, for outsiders
    Column("team_id", SlackId),
    Column("is_bot", Boolean, nullable=False),
    Column("is_guest", Boolean, nullable=False),
    Column("is_deleted", Boolean, nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("refreshed_at", UtcDateTime, nullable=False),
)

channel_optouts = Table(
    "channel_optouts",
    metadata,
    _workspace(),
    Column("channel_id", SlackId, primary_key=True),
    Column("user_id", SlackId, primary_key=True),
)

#: Changes by leads and admins. Never an answer.
audit = Table(
    "audit",
    metadata,
    _workspace(),
    Column("audit_id", OwnId, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_id", SlackId, nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("before", EncryptedJson("audit.before")),  # null: it did not exist
    Column("after", EncryptedJson("audit.after")),  # null: it was removed
)

#: Slack's events, each acted on once.
events_seen = Table(
    "events_seen",
    metadata,
    _workspace(),
    Column("event_id", String(64), primary_key=True),
    Column("seen_at", UtcDateTime, nullable=False, index=True),
)

# --- phases ---------------------------------------------------------------------------------

#: A start form being filled in: the contents of its earlier pages, so that nothing is lost.
phase_drafts = Table(
    "phase_drafts",
    metadata,
    _workspace(),
    Column("draft_id", OwnId, primary_key=True),
    Column("channel_id", SlackId, nullable=False),
    Column("user_id", SlackId, nullable=False),
    Column("content", EncryptedJson("phase_drafts.content"), nullable=False),
    Column("saved_at", UtcDateTime, nullable=False, index=True),
    #: null: not announced yet. Finds the phase when the form is submitted twice.
    Column("phase_id", OwnId),
)

phases = Table(
    "phases",
    metadata,
    _workspace(),
    Column("phase_id", OwnId, primary_key=True),
    Column("channel_id", SlackId, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("lead_id", SlackId, nullable=False),  # who started it
    Column("zone", String(64), nullable=False),  # the lead's; the phase's dates are in it
    #: may be empty for trust-building
    Column("milestone", EncryptedText("phases.milestone"), nullable=False),
    #: a SprintPromise or TrustPromise, by kind
    Column("promise", EncryptedJson("phases.promise"), nullable=False),
    Column("justification", EncryptedText("phases.justification")),  # null: none was needed
    Column("stop_if_on", Date),  # when the leads decide about it; null: there is no "stop if"
    #: from the phase before, after its lesson; null: not said
    Column("difference", EncryptedText("phases.difference")),
    #: What the team said of the last sprint, as it was shown; null: not started in its recovery.
    Column("team_said", EncryptedText("phases.team_said")),
    Column("started_at", UtcDateTime, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("original_ends_on", Date, nullable=False),  # before any extension
    Column("extension_reason", EncryptedText("phases.extension_reason")),  # null: never extended
    Column("recovery_until", Date),  # null: trust-building has none
    Column("weekday", Integer, nullable=False),  # 0 is Monday
    Column("time_of_day", Time, nullable=False),  # in each person's own zone
    Column("remind", Boolean, nullable=False),
    Column("comments_to", String(16), nullable=False),  # leads, or team
    Column("ended_at", UtcDateTime),  # null: active
    Column("ended_by", SlackId),  # null: active, or ended by its date
    Column("milestone_outcome", String(16)),  # hit, missed, moved; null: not said
    Column("protected_outcome", String(16)),  # kept, partly, not; null: not said
    Column("planned", EncryptedText("phases.planned")),  # in the lead's words; null: not said
    Column("outcome", EncryptedText("phases.outcome")),  # null: no wrap-up was written (yet)
    Column("reason", EncryptedText("phases.reason")),  # why it came out so; null: not said
    Column("learning", EncryptedText("phases.learning")),  # what to do next time
    Column("thanks", EncryptedText("phases.thanks")),
    Column("wrapped_up_at", UtcDateTime),  # null: no wrap-up was written (yet)
    Column("wrapped_up_by", SlackId),
    Column("paused_at", UtcDateTime),  # null: the bot can post in its channel
    Column("pause_reason", String(32)),  # a `bot.phases.model.PauseReason`; null: not paused
    Column("membership_synced_at", UtcDateTime),  # null: its channel was never read
    #: An overlapping phase of the same lead whose roster differs by one person; null: none.
    Column("too_similar_to", OwnId),
    #: A `bot.phases.working_agreement.WorkingAgreement`; null: nothing was written.
    Column("how_we_work", EncryptedJson("phases.how_we_work")),
    #: The texts above were kept long enough, and are empty.
    Column("texts_deleted", Boolean, nullable=False, server_default=false()),
    CheckConstraint("state IN ('active', 'ended')", name="state"),
    CheckConstraint("kind IN ('results_sprint', 'trust_building')", name="kind"),
    # One phase per channel at a time.
    Index(
        "uq_phases_active_channel",
        "workspace_id",
        "channel_id",
        unique=True,
        sqlite_where=text("state = 'active'"),
        postgresql_where=text("state = 'active'"),
    ),
    Index("ix_phases_channel", "workspace_id", "channel_id", "ends_on"),
    Index("ix_phases_state", "workspace_id", "state"),
)

phase_people = Table(
    "phase_people",
    metadata,
    _workspace(),
    Column("phase_id", OwnId, primary_key=True),
    Column("user_id", SlackId, primary_key=True),
    Column("role", String(16), nullable=False),  # lead, or member
    Column("joined_at", UtcDateTime, nullable=False),
    Column("left_at", UtcDateTime),  # null: still there
    #: Of a member: whether they have a place among the people asked. Who leaves keeps it.
    Column("is_on_roster", Boolean, nullable=False, server_default=true()),
    #: null: none written; who has none is never shown
    Column("contribution", EncryptedText("phase_people.contribution")),
    #: what the leads count on the person for; null: they wrote nothing
    Column("expectation", EncryptedText("phase_people.expectation")),
    #: the round whose questions show it to them; null: none yet
    Column("expectation_shown_in", OwnId),
    #: the round whose questions, their first ones, say who added them and why; null: not asked yet
    Column("introduced_in", OwnId),
    #: fits, change or too_much; null: the person has not said anything about it
    Column("expectation_reply", String(16)),
    Column("thanks_line", EncryptedText("phase_people.thanks_line")),  # null: the lead wrote none
    _to_phase(),
    Index("ix_phase_people_user", "workspace_id", "user_id"),
)

#: People who were in the channel at the start and not chosen: never mistaken for new members.
non_participants = Table(
    "non_participants",
    metadata,
    _workspace(),
    Column("phase_id", OwnId, primary_key=True),
    Column("user_id", SlackId, primary_key=True),
    _to_phase(),
)

set_aside_items = Table(
    "set_aside_items",
    metadata,
    _workspace(),
    Column("phase_id", OwnId, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("text", EncryptedText("set_aside_items.text"), nullable=False),
    Column("owner_id", SlackId, nullable=False),
    Column("outcome", String(16)),  # null: still set aside; resumed, dropped or parked
    Column("parked_until", Date),  # null unless parked
    Column("back_on", Date),  # null: not brought back before the end
    #: null unless brought back before the end
    Column("back_reason", EncryptedText("set_aside_items.back_reason")),
    _to_phase(),
)

#: What members propose to put on hold, signed, and the answer of a lead.
hold_proposals = Table(
    "hold_proposals",
    metadata,
    _workspace(),
    Column("phase_id", OwnId, primary_key=True),
    Column("proposal_id", OwnId, primary_key=True),
    Column("text", EncryptedText("hold_proposals.text"), nullable=False),
    Column("proposed_by", SlackId, nullable=False),
    Column("proposed_at", UtcDateTime, nullable=False),
    Column("accepted", Boolean),  # null: not answered
    Column("answered_by", SlackId),  # null: not answered
    #: the lead's line; null: none was written
    Column("answer", EncryptedText("hold_proposals.answer")),
    _to_phase(),
)

#: Concerns: anonymous notes to the leads, sealed, without author. Deleted once delivered.
concerns = Table(
    "concerns",
    metadata,
    _workspace(),
    Column("phase_id", OwnId, primary_key=True),
    Column("concern_id", OwnId, primary_key=True),
    Column("key_id", String(40), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    _to_phase(),
    sqlite_with_rowid=False,
)

# --- rounds and results ---------------------------------------------------------------------

rounds = Table(
    "rounds",
    metadata,
    _workspace(),
    Column("round_id", OwnId, primary_key=True),
    Column("phase_id", OwnId, nullable=False),
    Column("number", Integer, nullable=False),  # 1 is the phase's first
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closes_at", UtcDateTime, nullable=False),
    Column("minimum", Integer, nullable=False),  # answers a question needs to be shown
    Column("asked", Integer, nullable=False),  # the size of the roster, leavers included
    Column("rounding", String(16), nullable=False, server_default="half"),  # of levels; or whole
    Column("questions", JSON, nullable=False),  # the wording as it was asked
    Column("leads", JSON, nullable=False, server_default="[]"),  # their names as they were then
    Column("reached_minimum", Boolean),  # null: open. False: nothing was kept
    Column("unreadable", Boolean),  # whether ballots' key was missing; null: open
    Column("participation", String(16)),  # a word; null: open, or fewer than eight answers
    Column("check_kind", String(16)),  # null: the round asks no check
    Column("check_subject", OwnId),  # the promise asked about; null: another kind
    #: what people wrote that is asked about; null: none, or deleted
    Column("check_text", EncryptedText("rounds.check_text")),
    Column("check_outcome", String(16)),  # the median; null: open, or not enough answers
    Column("shown_at", UtcDateTime),  # null: the team has not seen the results
    #: whether the results also stand in the channel, not only in the thread; null: not shown
    Column("is_broadcast", Boolean),
    Column("results_link", Text),  # null: not in Slack yet, or not in the thread alone
    CheckConstraint("state IN ('open', 'closed', 'cancelled')", name="state"),
    CheckConstraint("rounding IN ('half', 'whole')", name="rounding"),
    CheckConstraint("check_outcome IN ('yes', 'partly', 'no')", name="check_outcome"),
    _to_phase(),
    Index("uq_rounds_number", "workspace_id", "phase_id", "number", unique=True),
    Index("ix_rounds_opened", "workspace_id", "phase_id", "opened_at"),
)

round_people = Table(
    "round_people",
    metadata,
    _workspace(),
    Column("round_id", OwnId, primary_key=True),
    Column("user_id", SlackId, primary_key=True),
    Column("role", String(16), nullable=False),  # lead (reflects), or member (answers)
    Column("slot_at", UtcDateTime),  # null: not asked, by their own wish or because it is too late
    _to_round(),
    Index("ix_round_people_user", "workspace_id", "user_id"),
)

#: A lead's replies to results, and what a decision changed: one change to be checked, or the reason
#: why nothing changes.
promises = Table(
    "promises",
    metadata,
    _workspace(),
    Column("promise_id", OwnId, primary_key=True),
    Column("phase_id", OwnId, nullable=False),
    Column("round_id", OwnId),  # whose results it replies to; null: made in a decision
    Column("made_by", SlackId, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("heard", EncryptedText("promises.heard")),  # the hardest thing heard; null: not said
    #: empty: deleted, as long after the phase as the rest
    Column("text", EncryptedText("promises.text"), nullable=False),
    Column("is_change", Boolean, nullable=False),  # false: why nothing changes this week
    Column("outcome", String(16)),  # null: not checked (yet)
    CheckConstraint("outcome IN ('kept', 'partly', 'not', 'unknown')", name="outcome"),
    _to_phase(),
    Index("uq_promises_round", "workspace_id", "phase_id", "round_id", unique=True),
    Index("ix_promises_made_by", "workspace_id", "made_by"),
)

#: What the leads were asked to decide, and their answer, which the team reads.
decisions = Table(
    "decisions",
    metadata,
    _workspace(),
    Column("phase_id", OwnId, primary_key=True),
    Column("decision_id", OwnId, primary_key=True),
    Column("cause", String(16), nullable=False),
    Column("round_id", OwnId),  # with whose results the leads are asked; null: on its own
    Column("asked_at", UtcDateTime, nullable=False),
    Column("choice", String(16)),  # null: not decided yet
    Column("decided_at", UtcDateTime),  # null: not decided yet
    Column("decided_by", SlackId),  # null: not decided yet
    #: the reason or the change; null: none was written, or it was deleted
    Column("text", EncryptedText("decisions.text")),
    CheckConstraint("cause IN ('date', 'check')", name="cause"),
    CheckConstraint("choice IN ('continue', 'adjust', 'end')", name="choice"),
    _to_phase(),
    # One open decision per phase at a time.
    Index(
        "uq_decisions_open",
        "workspace_id",
        "phase_id",
        unique=True,
        sqlite_where=text("choice IS NULL"),
        postgresql_where=text("choice IS NULL"),
    ),
)

#: A lead's own, named answers.
reflections = Table(
    "reflections",
    metadata,
    _workspace(),
    Column("phase_id", OwnId, primary_key=True),
    Column("moment", OwnId, primary_key=True),  # "start", or the round's id
    Column("user_id", SlackId, primary_key=True),
    Column("answers", JSON, nullable=False),  # question key -> 1..5 or null
    Column("shared", Boolean, nullable=False),  # whether the team sees them beside its totals
    Column("skipped", Boolean, nullable=False, server_default=false()),
    _to_phase(),
)

#: The result of one question of a closed round: all that may be shown of it.
question_levels = Table(
    "question_levels",
    metadata,
    _workspace(),
    Column("round_id", OwnId, primary_key=True),
    Column("key", String(16), primary_key=True),
    Column("level", Float, nullable=False),  # the mean to the nearest half or whole, 1..5
    Column("share", String(16)),  # of 4 and 5, as a phrase; null: fewer than eight answers
    Column("change", Float),  # in levels; null: no comparison may be shown
    _to_round(),
)

#: A round's comments: sealed, shuffled, unlinked from scores; deleted once the results were posted.
round_comments = Table(
    "round_comments",
    metadata,
    _workspace(),
    Column("round_id", OwnId, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("key_id", String(40), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    _to_round(),
    sqlite_with_rowid=False,
)

# --- agenda and outbox ---------------------------------------------------------------------

agenda = Table(
    "agenda",
    metadata,
    _workspace(),
    Column("action", String(32), primary_key=True),
    Column("subject", String(128), primary_key=True),
    Column("due_at", UtcDateTime, nullable=False),  # business time
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("retry_at", UtcDateTime),  # real time; null: neither claimed nor failed
    # In the order of claims, so that claiming a batch costs the same however much is due.
    Index(
        "ix_agenda_fresh",
        *("due_at", "workspace_id", "action", "subject"),
        sqlite_where=text("retry_at IS NULL"),
        postgresql_where=text("retry_at IS NULL"),
    ),
    Index(
        "ix_agenda_retry",
        *("retry_at", "workspace_id", "action", "subject"),
        sqlite_where=text("retry_at IS NOT NULL"),
        postgresql_where=text("retry_at IS NOT NULL"),
    ),
)

messages = Table(
    "messages",
    metadata,
    _workspace(),
    Column("message_id", OwnId, primary_key=True),  # sortable: the order of enqueueing
    Column("key", String(160), nullable=False),
    Column("operation", String(16), nullable=False),
    Column("conversation", SlackId, nullable=False),  # channel or user; order is kept within it
    Column("target_key", String(160)),  # the message replied to, edited or pinned; null: none
    Column("payload", EncryptedPayload("messages.payload")),  # null: sent, and erased
    Column("picture", JSON),  # null: none, or erased
    Column("file_id", SlackId),  # null: not uploaded (yet)
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("state", String(16), nullable=False),
    Column("not_before", UtcDateTime, nullable=False),  # business time
    Column("expires_at", UtcDateTime),  # business time; null: never
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("retry_at", UtcDateTime),  # real time; null: at once
    Column(
        "lookup_attempts", Integer, nullable=False, server_default="0"
    ),  # lookups that did not find it
    Column("first_try_at", UtcDateTime),  # business time; where lookups start from
    Column("thread_ts", String(32)),  # thread of its last try; empty: in no thread; null: unknown
    Column("channel", SlackId),  # null: not known to be in Slack
    Column("ts", String(32)),  # Slack's message id; for a bookmark, the bookmark's
    Column("error", String(255)),  # the last one, for doctor
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    CheckConstraint(
        "state IN ('pending','sending','sent','unknown','held','failed','expired')", name="state"
    ),
    Index("uq_messages_key", "workspace_id", "key", unique=True),
    Index(
        "ix_messages_open",
        "workspace_id",
        "conversation",
        "message_id",
        "not_before",
        sqlite_where=text("state IN ('pending','sending','unknown')"),
        postgresql_where=text("state IN ('pending','sending','unknown')"),
    ),
    Index(
        "ix_messages_stuck",
        "state",
        sqlite_where=text("state IN ('held','failed')"),
        postgresql_where=text("state IN ('held','failed')"),
    ),
    Index("ix_messages_place", "workspace_id", "channel", "ts"),
)

#: Leases of workspaces: one sender at a time keeps a workspace's order and rate limits.
sender_leases = Table(
    "sender_leases",
    metadata,
    _workspace(),
    Column("owner", OwnId),  # null: free
    Column("lease_until", UtcDateTime),  # real time; null: free
    Column("resume_at", UtcDateTime),  # real time: nothing may be sent before; null: at once
    Column("rate_usage", JSON),  # use of Slack's rate limits; null: none lately
    Column("halted", String(64)),  # why nothing can be sent until an admin acts; null: not halted
)

#: Rate limits on reads: the method is not called again before `until`.
rate_limit_waits = Table(
    "rate_limit_waits",
    metadata,
    _workspace(),
    Column("method", String(64), primary_key=True),
    Column("until", UtcDateTime, nullable=False),  # real time
)
