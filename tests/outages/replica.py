"""One process of the bot whose business clock is moved over standard input.

`python -m tests.outages.replica` prints its port. It sets its clock to each time that it reads,
and repeats it. Otherwise it works like `python -m bot run --http`.
"""

import asyncio
import sys
from datetime import datetime

from bot.app import Imbalance
from bot.clock import AdjustableClock
from bot.log import configure
from bot.outbox.delivery import RetryTimings
from bot.settings import load
from tests.harness import without_limits
from tests.rounds.round_rows import NOW


async def main() -> None:
    configure("INFO", "json")
    clock = AdjustableClock(NOW)
    app = Imbalance(
        load(),
        clock,
        http=True,
        **without_limits(RetryTimings(settle=1, poll=0.1, picture_retry=0.1)),
    )
    await app.start()
    print(app.http_port, flush=True)
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        clock.move_to(datetime.fromisoformat(line))
        print(line, flush=True)
    await app.stop()


if __name__ == "__main__":
    asyncio.run(main())
