"""The process that draws charts."""

import subprocess
import sys

from bot.results.chart import CHART_SCRIPT

LOADED = """
import runpy, sys
runpy.run_path(sys.argv[1])
print([name for name in sys.modules if name.partition(".")[0] in ("bot", "sqlalchemy")])
"""


def test_chart_process_loads_nothing_of_the_bot():
    command = [sys.executable, "-c", LOADED, str(CHART_SCRIPT)]
    assert subprocess.check_output(command, text=True).strip() == "[]"
