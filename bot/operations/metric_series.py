"""Metric series that exist from the start of the bot.

Prometheus computes no increase for a counter that appears with the value 1, so an alert would miss
the first event of each kind. Every label whose values are known is therefore created here, with
the value 0. The others depend on what Slack answers, and are named in `OPEN`; a rule that uses one
of them must not rely on an earlier 0 (see deploy/alerts.yaml).
"""

from collections.abc import Iterable
from itertools import product
from math import nan

from prometheus_client import Counter, Gauge, Histogram

from bot import metrics
from bot.agenda import ticker
from bot.agenda.actions import ActionName
from bot.db.db_errors import FailureKind
from bot.operations.readiness import CHECKS, MEASURED_STATES
from bot.outbox import delivery_log
from bot.outbox.enqueue import Operation, State
from bot.outbox.rate_limits import PER_MINUTE
from bot.slack import deadline_app, payloads
from bot.slack.views import INVALID_VIEW

#: The outcomes of an attempt: every state but that of a call under way.
DELIVERY_OUTCOMES = tuple(state for state in State if state is not State.SENDING)

#: The values of each label, in the order of the metric's labels.
KNOWN: tuple[tuple[Counter | Gauge | Histogram, tuple[Iterable[str], ...]], ...] = (
    (metrics.failed_requests, ((*payloads.REQUEST_KINDS, INVALID_VIEW),)),
    (metrics.deliveries, (Operation, DELIVERY_OUTCOMES)),
    (metrics.malformed_messages, (Operation,)),
    (metrics.agenda_actions, (ActionName, ticker.OUTCOMES)),
    (metrics.open_messages, (MEASURED_STATES,)),
    (metrics.call_seconds, (Operation,)),
    (metrics.database_failures, (FailureKind,)),
    (metrics.oldest_message_seconds, (MEASURED_STATES,)),
    (metrics.ready, (CHECKS,)),
    (metrics.delivery_lookups, (delivery_log.LOOKUP_RESULTS,)),
    (metrics.rate_limited, (PER_MINUTE,)),
    (metrics.request_seconds, (deadline_app.REQUEST_KINDS,)),
)
#: Labels with values of Slack or of an exception: errors by their name. `rate_limited` has both
#: kinds: what is delivered is known, what is read is named as Slack names the method.
OPEN = (metrics.halted_workspaces, metrics.unknown_outcomes)


def create_known_series() -> None:
    """Create every series in `KNOWN`: counters at 0, gauges without a value until measured."""
    for metric, values in KNOWN:
        for labels in product(*values):
            series = metric.labels(*labels)
            if isinstance(series, Gauge):
                series.set(nan)
