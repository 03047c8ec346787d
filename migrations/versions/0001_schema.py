"""Every table of the first release."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "agenda",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "action", "subject", name=op.f("pk_agenda")),
    )
    op.create_index(
        "ix_agenda_fresh",
        "agenda",
        ["due_at", "workspace_id", "action", "subject"],
        unique=False,
        sqlite_where=sa.text("retry_at IS NULL"),
        postgresql_where=sa.text("retry_at IS NULL"),
    )
    op.create_index(
        "ix_agenda_retry",
        "agenda",
        ["retry_at", "workspace_id", "action", "subject"],
        unique=False,
        sqlite_where=sa.text("retry_at IS NOT NULL"),
        postgresql_where=sa.text("retry_at IS NOT NULL"),
    )
    op.create_table(
        "audit",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("audit_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "audit_id", name=op.f("pk_audit")),
    )
    op.create_table(
        "channel_optouts",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("channel_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "channel_id", "user_id", name=op.f("pk_channel_optouts")
        ),
    )
    op.create_table(
        "events_seen",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "event_id", name=op.f("pk_events_seen")),
    )
    op.create_index(op.f("ix_events_seen_seen_at"), "events_seen", ["seen_at"], unique=False)
    op.create_table(
        "installations",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("enterprise_id", sa.String(length=32), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("app_id", sa.String(length=32), nullable=False),
        sa.Column("bot_user_id", sa.String(length=32), nullable=False),
        sa.Column("bot_id", sa.String(length=32), nullable=True),
        sa.Column("installed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("sealed_token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_installations")),
    )
    op.create_table(
        "messages",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("operation", sa.String(length=16), nullable=False),
        sa.Column("conversation", sa.String(length=32), nullable=False),
        sa.Column("target_key", sa.String(length=160), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("picture", sa.JSON(), nullable=True),
        sa.Column("file_id", sa.String(length=32), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lookup_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("thread_ts", sa.String(length=32), nullable=True),
        sa.Column("channel", sa.String(length=32), nullable=True),
        sa.Column("ts", sa.String(length=32), nullable=True),
        sa.Column("error", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending','sending','sent','unknown','held','failed','expired')",
            name=op.f("ck_messages_state"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "message_id", name=op.f("pk_messages")),
    )
    op.create_index(
        "ix_messages_open",
        "messages",
        ["workspace_id", "conversation", "message_id", "not_before"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending','sending','unknown')"),
        postgresql_where=sa.text("state IN ('pending','sending','unknown')"),
    )
    op.create_index(
        "ix_messages_place", "messages", ["workspace_id", "channel", "ts"], unique=False
    )
    op.create_index(
        "ix_messages_stuck",
        "messages",
        ["state"],
        unique=False,
        sqlite_where=sa.text("state IN ('held','failed')"),
        postgresql_where=sa.text("state IN ('held','failed')"),
    )
    op.create_index("uq_messages_key", "messages", ["workspace_id", "key"], unique=True)
    op.create_table(
        "oauth_states",
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_oauth_states")),
    )
    op.create_index(
        op.f("ix_oauth_states_expires_at"), "oauth_states", ["expires_at"], unique=False
    )
    op.create_table(
        "people",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column("team_id", sa.String(length=32), nullable=True),
        sa.Column("is_bot", sa.Boolean(), nullable=False),
        sa.Column("is_guest", sa.Boolean(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", name=op.f("pk_people")),
    )
    op.create_table(
        "phase_drafts",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("draft_id", sa.String(length=32), nullable=False),
        sa.Column("channel_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("phase_id", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "draft_id", name=op.f("pk_phase_drafts")),
    )
    op.create_index(op.f("ix_phase_drafts_saved_at"), "phase_drafts", ["saved_at"], unique=False)
    op.create_table(
        "phases",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("phase_id", sa.String(length=32), nullable=False),
        sa.Column("channel_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("lead_id", sa.String(length=32), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("milestone", sa.Text(), nullable=False),
        sa.Column("promise", sa.Text(), nullable=False),
        sa.Column("justification", sa.Text(), nullable=True),
        sa.Column("stop_if_on", sa.Date(), nullable=True),
        sa.Column("difference", sa.Text(), nullable=True),
        sa.Column("team_said", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("original_ends_on", sa.Date(), nullable=False),
        sa.Column("extension_reason", sa.Text(), nullable=True),
        sa.Column("recovery_until", sa.Date(), nullable=True),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("time_of_day", sa.Time(), nullable=False),
        sa.Column("remind", sa.Boolean(), nullable=False),
        sa.Column("comments_to", sa.String(length=16), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=32), nullable=True),
        sa.Column("milestone_outcome", sa.String(length=16), nullable=True),
        sa.Column("protected_outcome", sa.String(length=16), nullable=True),
        sa.Column("planned", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("learning", sa.Text(), nullable=True),
        sa.Column("thanks", sa.Text(), nullable=True),
        sa.Column("wrapped_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wrapped_up_by", sa.String(length=32), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pause_reason", sa.String(length=32), nullable=True),
        sa.Column("membership_synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("too_similar_to", sa.String(length=32), nullable=True),
        sa.Column("how_we_work", sa.Text(), nullable=True),
        sa.Column("texts_deleted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('results_sprint', 'trust_building')", name=op.f("ck_phases_kind")
        ),
        sa.CheckConstraint("state IN ('active', 'ended')", name=op.f("ck_phases_state")),
        sa.PrimaryKeyConstraint("workspace_id", "phase_id", name=op.f("pk_phases")),
    )
    op.create_index(
        "ix_phases_channel", "phases", ["workspace_id", "channel_id", "ends_on"], unique=False
    )
    op.create_index("ix_phases_state", "phases", ["workspace_id", "state"], unique=False)
    op.create_index(
        "uq_phases_active_channel",
        "phases",
        ["workspace_id", "channel_id"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "rate_limit_waits",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("method", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "method", name=op.f("pk_rate_limit_waits")),
    )
    op.create_table(
        "sender_leases",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rate_usage", sa.JSON(), nullable=True),
        sa.Column("halted", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_sender_leases")),
    )
    op.create_table(
        "workspaces",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("app_id", sa.String(length=32), server_default="", nullable=False),
        sa.Column("bot_user_id", sa.String(length=32), nullable=False),
        sa.Column("command_name", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=16), server_default="installed", nullable=False),
        sa.Column("settings", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("installed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("org_id", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_workspaces")),
    )
    op.create_index(op.f("ix_workspaces_org_id"), "workspaces", ["org_id"], unique=False)
    op.create_table(
        "concerns",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("phase_id", sa.String(length=32), nullable=False),
        sa.Column("concern_id", sa.String(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "phase_id"],
            ["phases.workspace_id", "phases.phase_id"],
            name=op.f("fk_concerns_phases"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "phase_id", "concern_id", name=op.f("pk_concerns")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "non_participants",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("phase_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "phase_id"],
            ["phases.workspace_id", "phases.phase_id"],
            name=op.f("fk_non_participants_phases"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "phase_id", "user_id", name=op.f("pk_non_participants")
        ),
    )
    op.create_table(
        "phase_people",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("phase_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_on_roster", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("contribution", sa.Text(), nullable=True),
        sa.Column("expectation", sa.Text(), nullable=True),
        sa.Column("expectation_shown_in", sa.String(length=32), nullable=True),
        sa.Column("introduced_in", sa.String(length=32), nullable=True),
        sa.Column("expectation_reply", sa.String(length=16), nullable=True),
        sa.Column("thanks_line", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "phase_id"],
            ["phases.workspace_id", "phases.phase_id"],
            name=op.f("fk_phase_people_phases"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "phase_id", "user_id", name=op.f("pk_phase_people")
        ),
    )
    op.create_index(
        "ix_phase_people_user", "phase_people", ["workspace_id", "user_id"], unique=False
    )
    op.create_table(
        "promises",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("promise_id", sa.String(length=32), nullable=False),
        sa.Column("phase_id", sa.String(length=32), nullable=False),
        sa.Column("round_id", sa.String(length=32), nullable=True),
        sa.Column("made_by", sa.String(length=32), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("is_change", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('kept', 'partly', 'not', 'unknown')", name=op.f("ck_promises_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "phase_id"],
            ["phases.workspace_id", "phases.phase_id"],
            name=op.f("fk_promises_phases"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "promise_id", name=op.f("pk_promises")),
    )
    op.create_index("ix_promises_made_by", "promises", ["workspace_id", "made_by"], unique=False)
    op.create_index(
        "uq_promises_round", "promises", ["workspace_id", "phase_id", "round_id"], unique=True
    )
    op.create_table(
        "decisions",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("phase_id", sa.String(length=32), nullable=False),
        sa.Column("decision_id", sa.String(length=32), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("round_id", sa.String(length=32), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("choice", sa.String(length=16), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=32), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.CheckConstraint("cause IN ('date', 'check')", name=op.f("ck_decisions_cause")),
        sa.CheckConstraint(
            "choice IN ('continue', 'adjust', 'end')", name=op.f("ck_decisions_choice")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "phase_id"],
            ["phases.workspace_id", "phases.phase_id"],
            name=op.f("fk_decisions_phases"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "phase_id", "decision_id", name=op.f("pk_decisions")
        ),
    )
    op.create_index(
        "uq_decisions_open",
        "decisions",
        ["workspace_id", "phase_id"],
        unique=True,
        sqlite_where=sa.text("choice IS NULL"),
        postgresql_where=sa.text("choice IS NULL"),
    )
    op.create_table(
        "reflections",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("phase_id", sa.String(length=32), nullable=False),
        sa.Column("moment", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("skipped", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "phase_id"],
            ["phases.workspace_id", "phases.phase_id"],
            name=op.f("fk_reflections_phases"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "phase_id", "moment", "user_id", name=op.f("pk_reflections")
        ),
    )
    op.create_table(
        "rounds",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("round_id", sa.String(length=32), nullable=False),
        sa.Column("phase_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minimum", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("rounding", sa.String(length=16), server_default="half", nullable=False),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("leads", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("reached_minimum", sa.Boolean(), nullable=True),
        sa.Column("unreadable", sa.Boolean(), nullable=True),
        sa.Column("participation", sa.String(length=16), nullable=True),
        sa.Column("check_kind", sa.String(length=16), nullable=True),
        sa.Column("check_subject", sa.String(length=32), nullable=True),
        sa.Column("check_text", sa.Text(), nullable=True),
        sa.Column("check_outcome", sa.String(length=16), nullable=True),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_broadcast", sa.Boolean(), nullable=True),
        sa.Column("results_link", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'closed', 'cancelled')", name=op.f("ck_rounds_state")
        ),
        sa.CheckConstraint("rounding IN ('half', 'whole')", name=op.f("ck_rounds_rounding")),
        sa.CheckConstraint(
            "check_outcome IN ('yes', 'partly', 'no')", name=op.f("ck_rounds_check_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "phase_id"],
            ["phases.workspace_id", "phases.phase_id"],
            name=op.f("fk_rounds_phases"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "round_id", name=op.f("pk_rounds")),
    )
    op.create_index(
        "ix_rounds_opened", "rounds", ["workspace_id", "phase_id", "opened_at"], unique=False
    )
    op.create_index(
        "uq_rounds_number", "rounds", ["workspace_id", "phase_id", "number"], unique=True
    )
    op.create_table(
        "set_aside_items",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("phase_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("parked_until", sa.Date(), nullable=True),
        sa.Column("back_on", sa.Date(), nullable=True),
        sa.Column("back_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "phase_id"],
            ["phases.workspace_id", "phases.phase_id"],
            name=op.f("fk_set_aside_items_phases"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "phase_id", "position", name=op.f("pk_set_aside_items")
        ),
    )
    op.create_table(
        "hold_proposals",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("phase_id", sa.String(length=32), nullable=False),
        sa.Column("proposal_id", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=32), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.Column("answered_by", sa.String(length=32), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "phase_id"],
            ["phases.workspace_id", "phases.phase_id"],
            name=op.f("fk_hold_proposals_phases"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "phase_id", "proposal_id", name=op.f("pk_hold_proposals")
        ),
    )
    op.create_table(
        "ballots",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("round_id", sa.String(length=32), nullable=False),
        sa.Column("voter_token", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "round_id"],
            ["rounds.workspace_id", "rounds.round_id"],
            name=op.f("fk_ballots_rounds"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "round_id", "voter_token", name=op.f("pk_ballots")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "question_levels",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("round_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("share", sa.String(length=16), nullable=True),
        sa.Column("change", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "round_id"],
            ["rounds.workspace_id", "rounds.round_id"],
            name=op.f("fk_question_levels_rounds"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "round_id", "key", name=op.f("pk_question_levels")),
    )
    op.create_table(
        "round_comments",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("round_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "round_id"],
            ["rounds.workspace_id", "rounds.round_id"],
            name=op.f("fk_round_comments_rounds"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "round_id", "position", name=op.f("pk_round_comments")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "round_people",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("round_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "round_id"],
            ["rounds.workspace_id", "rounds.round_id"],
            name=op.f("fk_round_people_rounds"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "round_id", "user_id", name=op.f("pk_round_people")
        ),
    )
    op.create_index(
        "ix_round_people_user", "round_people", ["workspace_id", "user_id"], unique=False
    )
    op.create_table(
        "round_secrets",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("round_id", sa.String(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "round_id"],
            ["rounds.workspace_id", "rounds.round_id"],
            name=op.f("fk_round_secrets_rounds"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "round_id", name=op.f("pk_round_secrets")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:

    op.drop_table("round_secrets")
    op.drop_index("ix_round_people_user", table_name="round_people")
    op.drop_table("round_people")
    op.drop_table("round_comments")
    op.drop_table("question_levels")
    op.drop_table("ballots")
    op.drop_table("hold_proposals")
    op.drop_table("set_aside_items")
    op.drop_index("uq_rounds_number", table_name="rounds")
    op.drop_index("ix_rounds_opened", table_name="rounds")
    op.drop_table("rounds")
    op.drop_table("reflections")
    op.drop_index(
        "uq_decisions_open",
        table_name="decisions",
        sqlite_where=sa.text("choice IS NULL"),
        postgresql_where=sa.text("choice IS NULL"),
    )
    op.drop_table("decisions")
    op.drop_index("uq_promises_round", table_name="promises")
    op.drop_index("ix_promises_made_by", table_name="promises")
    op.drop_table("promises")
    op.drop_index("ix_phase_people_user", table_name="phase_people")
    op.drop_table("phase_people")
    op.drop_table("non_participants")
    op.drop_table("concerns")
    op.drop_index(op.f("ix_workspaces_org_id"), table_name="workspaces")
    op.drop_table("workspaces")
    op.drop_table("sender_leases")
    op.drop_table("rate_limit_waits")
    op.drop_index(
        "uq_phases_active_channel",
        table_name="phases",
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.drop_index("ix_phases_state", table_name="phases")
    op.drop_index("ix_phases_channel", table_name="phases")
    op.drop_table("phases")
    op.drop_index(op.f("ix_phase_drafts_saved_at"), table_name="phase_drafts")
    op.drop_table("phase_drafts")
    op.drop_table("people")
    op.drop_index(op.f("ix_oauth_states_expires_at"), table_name="oauth_states")
    op.drop_table("oauth_states")
    op.drop_index("uq_messages_key", table_name="messages")
    op.drop_index(
        "ix_messages_stuck",
        table_name="messages",
        sqlite_where=sa.text("state IN ('held','failed')"),
        postgresql_where=sa.text("state IN ('held','failed')"),
    )
    op.drop_index("ix_messages_place", table_name="messages")
    op.drop_index(
        "ix_messages_open",
        table_name="messages",
        sqlite_where=sa.text("state IN ('pending','sending','unknown')"),
        postgresql_where=sa.text("state IN ('pending','sending','unknown')"),
    )
    op.drop_table("messages")
    op.drop_table("installations")
    op.drop_index(op.f("ix_events_seen_seen_at"), table_name="events_seen")
    op.drop_table("events_seen")
    op.drop_table("channel_optouts")
    op.drop_table("audit")
    op.drop_index(
        "ix_agenda_retry",
        table_name="agenda",
        sqlite_where=sa.text("retry_at IS NOT NULL"),
        postgresql_where=sa.text("retry_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_agenda_fresh",
        table_name="agenda",
        sqlite_where=sa.text("retry_at IS NULL"),
        postgresql_where=sa.text("retry_at IS NULL"),
    )
    op.drop_table("agenda")
