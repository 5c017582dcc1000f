"""Runs ministack in a process group of its own, and ends the whole group when standard input closes.

Functions run in processes that ministack starts. So nothing is left, however the process that holds the
other end of standard input comes to its end.
"""

import os
import signal
import threading

from ministack.app import main
from ministack.services import kinesis


def end_with_parent():
    while os.read(0, 1024):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


padded_sequence_number = kinesis._next_sequence_number

# Kinesis gives numbers without leading zeros, and Millrace refuses others: ministack's own begin with zeros.
kinesis._next_sequence_number = lambda: "4" + padded_sequence_number()

if os.getpgrp() != os.getpid():
    os.setsid()
threading.Thread(target=end_with_parent, daemon=True).start()
main()
