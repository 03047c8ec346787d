"""Metrics for Prometheus. No label ever names a person.

A number that grows by one whenever somebody presses a button tells whoever reads it every second
when that was, and Slack shows who was active then. Such numbers grow by ten.
"""

from collections import defaultdict
from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram, Info

from bot import __version__

BATCH_SIZE = 10
_unpublished: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)


def publish_in_batches(name: str, publish: Callable[[], None]) -> None:
    """Publish what a press caused, together with nine others of this name."""
    batch = _unpublished[name]
    batch.append(publish)
    if len(batch) >= BATCH_SIZE:
        for publish_one in _unpublished.pop(name):
            publish_one()


build = Info("imbalance_build", "This version of the bot")
build.info({"version": __version__})

failed_requests = Counter(
    "imbalance_failed_requests", "Requests from Slack that ended in an internal error", ["kind"]
)
refused_signatures = Counter(
    "imbalance_refused_signatures", "Requests answered 401: stale, wrong or missing signature"
)
limited_events = Counter(
    "imbalance_limited_events", "Minutes for which Slack dropped events (app_rate_limited)"
)
deliveries = Counter(
    "imbalance_deliveries", "Attempts to send something to Slack", ["operation", "outcome"]
)
malformed_messages = Counter(
    "imbalance_malformed_messages",
    "Messages Slack rejected as malformed: a bug in the bot",
    ["operation"],
)
agenda_actions = Counter(
    "imbalance_agenda_actions", "Agenda items that were run", ["action", "outcome"]
)
scheduler_lag_seconds = Gauge(
    "imbalance_scheduler_lag_seconds", "Seconds since the oldest pending agenda item became due"
)
open_messages = Gauge("imbalance_open_messages", "Messages neither sent nor expired", ["state"])
call_seconds = Histogram("imbalance_slack_call_seconds", "Web API calls", ["method"])
database_failures = Counter(
    "imbalance_database_failures",
    "Transactions and reads that failed because of the database",
    ["kind"],
)
bulk_send_left = Gauge(
    "imbalance_bulk_send_left_messages", "Messages that wait in workspaces which have many of them"
)
bulk_send_sent = Gauge(
    "imbalance_bulk_send_sent_messages",
    "Messages sent in workspaces which have many of them, since their last minute without one",
)
bulk_send_eta_seconds = Gauge(
    "imbalance_bulk_send_eta_seconds",
    "How long Slack's limits will hold up the last of the messages in such a workspace",
)
oldest_message_seconds = Gauge(
    "imbalance_oldest_message_age_seconds",
    "Seconds since the oldest message of each state was due, without halted workspaces",
    ["state"],
)
outbox_lag_seconds = Gauge(
    "imbalance_outbox_lag_seconds",
    "Seconds for which a workspace has had messages to send and no sender",
)
halted_workspaces = Gauge(
    "imbalance_halted_workspaces",
    "Workspaces that nothing is sent for, by Slack's reason",
    ["reason"],
)
ready = Gauge("imbalance_ready", "1 if the check passes, 0 if /readyz reports it", ["check"])
unknown_outcomes = Counter(
    "imbalance_unknown_outcomes", "Posts whose outcome was unknown", ["cause"]
)
delivery_lookups = Counter(
    "imbalance_delivery_lookups",
    "Lookups of posts with an unknown outcome, by result",
    ["result"],
)
rate_limited = Counter("imbalance_rate_limited", "Calls that Slack answered with 429", ["method"])
sender_takeovers = Counter(
    "imbalance_sender_takeovers", "Workspaces taken over from a sender that had fallen silent"
)
request_seconds = Histogram(
    "imbalance_request_seconds", "Seconds from a request of Slack to the response", ["kind"]
)
