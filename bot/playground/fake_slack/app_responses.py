"""The app's responses to payloads."""

from dataclasses import dataclass, field

from bot.playground.fake_slack.model import Json

#: Texts of Slack's own client for an app that does not respond.
TIMEOUT = "operation_timeout"
FAILED = "dispatch_failed"


@dataclass(frozen=True, kw_only=True)
class AppResponse:
    """An acknowledgement, or the reason why there is none."""

    status: int = 200  # 0 if there was no response
    body: Json = field(default_factory=dict)
    error: str = ""  # operation_timeout, dispatch_failed
    stop_retries: bool = False  # x-slack-no-retry

    @property
    def is_ack(self) -> bool:
        return 200 <= self.status < 300


NO_RESPONSE = AppResponse(status=0, error=TIMEOUT)
NO_CONNECTION = AppResponse(status=0, error=FAILED)
