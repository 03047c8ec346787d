"""The bot with the prototype of encrypted columns.

python -m tests.bench.sealed_bot [payloads]
"""

import asyncio
import sys

from tests.bench.sealed_types import seal_columns

if __name__ == "__main__":
    seal_columns(payloads="payloads" in sys.argv)

    from tests.bench.bot_process import main

    asyncio.run(main(unpaced=True))
