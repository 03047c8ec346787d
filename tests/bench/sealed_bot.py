"""The bot with the prototype of encrypted columns.

    python -m tests.bench.sealed_bot FILE [payloads]

It keeps writing to FILE how many values it encrypted and decrypted, and the seconds that took.
"""

import asyncio
import sys
from pathlib import Path

from tests.bench.sealed_types import seal_columns, spent

EVERY_SECONDS = 0.05


async def report(file: Path) -> None:
    while True:
        file.with_suffix(".part").write_text(f"{spent.values} {spent.seconds}")
        file.with_suffix(".part").rename(file)
        await asyncio.sleep(EVERY_SECONDS)


async def run(file: Path) -> None:
    from tests.bench.bot_process import main

    reporting = asyncio.create_task(report(file))
    await main(unpaced=True)
    reporting.cancel()


if __name__ == "__main__":
    seal_columns(payloads="payloads" in sys.argv)
    asyncio.run(run(Path(sys.argv[1])))
