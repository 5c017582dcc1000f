"""Runs a command and writes what the kernel says it took, all its threads and children included.

python3 rusage.py OUT COMMAND ARGS…: OUT gets JSON with seconds of CPU and of the clock, and the most memory resident.
"""

import json
import os
import sys
import time

out, *command = sys.argv[1:]
start = time.monotonic()
pid = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(pid, 0)
with open(out, "w", encoding="utf-8") as file:
    json.dump(
        {
            "user": usage.ru_utime,
            "system": usage.ru_stime,
            "wall": time.monotonic() - start,
            "rssMegabytes": usage.ru_maxrss / 1024,
        },
        file,
    )
sys.exit(os.waitstatus_to_exitcode(status))
