"""What mark.ts does, for events that are read one at a time."""

import json
import os
import time

AFTER = int(os.environ.get("MARK_AFTER", "0"))
events = 0


def passed():
    global events
    events += 1
    if events == AFTER:
        with open(os.environ["MARK_FILE"], "w", encoding="utf-8") as file:
            json.dump({"events": events, "cpu": time.process_time()}, file)
