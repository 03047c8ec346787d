"""The registered handlers, and which of them no sample reaches."""

from collections.abc import Sequence
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp

from bot.slack.payloads import bolt_request
from tests.fuzz.samples import Sample


async def missed_handlers(bolt: AsyncApp, samples: Sequence[Sample]) -> list[str]:
    """Return the names of the handlers that none of the samples reaches."""
    requests = [bolt_request(sample.payload, mode="http") for sample in samples]
    missed = []
    for listener in bolt._async_listeners:
        reached = [
            await listener.async_matches(req=request, resp=BoltResponse(status=200))
            for request in requests
        ]
        if not any(reached):
            missed.append(_handler_name(listener.ack_function))
    return missed


def _handler_name(listener: Any) -> str:
    """Return the handler's own name; most are wrapped in a listener."""
    wrapped = [cell.cell_contents for cell in listener.__closure__ or ()]
    return str(next((one for one in wrapped if hasattr(one, "__qualname__")), listener))
