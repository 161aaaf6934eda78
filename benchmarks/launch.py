"""Run a command and print its wall time, peak memory and exit code as JSON (common.run_child starts this).

    python -I -S launch.py OUT ERR COMMAND…

A small process of its own because Linux counts what a parent held at the fork in its child's peak: launched from a
benchmark that has loaded torch, even `dyag --help` would seem to need a gigabyte.
"""

import json
import os
import subprocess
import sys
import time

if __name__ == "__main__":
    with open(sys.argv[1], "wb") as out, open(sys.argv[2], "wb") as err:
        start = time.perf_counter()
        child = subprocess.Popen(sys.argv[3:], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB on Linux
    print(json.dumps({"seconds": seconds, "peak_mb": usage.ru_maxrss * unit / 1e6, "code": child.returncode}))
