"""The flights job in Bytewax. INPUT, ROWS and DISORDER_HOURS are in the environment."""

import os
from datetime import datetime, timedelta, timezone

import bytewax.operators as op
import bytewax.operators.windowing as win
import mark
import orjson
from bytewax.connectors.files import FileSink, FileSource
from bytewax.dataflow import Dataflow

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


def parse(line):
    """Checks as functions/aggregate-flight-delays/schemas.ts does."""
    mark.passed()
    d = orjson.loads(line)
    origin, destination = d["origin"], d["destination"]
    is_right = (
        type(origin) is str
        and len(origin) == 3
        and type(destination) is str
        and len(destination) == 3
        and type(d["departedAt"]) in (int, float)
        and type(d["delay"]) in (int, float)
        and type(d["distance"]) in (int, float)
        and d["distance"] >= 0
    )
    if not is_right:
        raise ValueError("not a departure")
    return d


def time_of(d):
    return EPOCH + timedelta(milliseconds=d["departedAt"])


def add(stats, d):
    delay = d["delay"]
    flights, total, worst = stats
    return (flights + 1, total + delay, delay if delay > worst else worst)


def merge(a, b):
    return (a[0] + b[0], a[1] + b[1], max(a[2], b[2]))


def row(item):
    origin, (window, (flights, total, worst)) = item
    start = window * 3_600_000
    return origin, orjson.dumps(
        {
            "origin": origin,
            "windowStart": start,
            "windowEnd": start + 3_600_000,
            "flights": flights,
            "meanDelay": total / flights,
            "worstDelay": float(worst),
        }
    ).decode()


flow = Dataflow("flights")
lines = op.input("departures", flow, FileSource(os.environ["INPUT"]))
departures = op.filter("long-enough", op.map("parse", lines, parse), lambda d: d["distance"] >= 100)
keyed = op.key_on("origin", departures, lambda d: d["origin"])
windows = win.fold_window(
    "hourly",
    keyed,
    win.EventClock(time_of, timedelta(hours=int(os.environ["DISORDER_HOURS"]))),
    win.TumblingWindower(length=HOUR, align_to=EPOCH),
    lambda: (0, 0, float("-inf")),
    add,
    merge,
    ordered=False,
)
op.output("rows", op.map("row", windows.down, row), FileSink(os.environ["ROWS"]))
