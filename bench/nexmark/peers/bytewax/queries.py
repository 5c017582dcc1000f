"""Queries 1 and 12 of Nexmark in Bytewax. QUERY, INPUT, ROWS and DISORDER_SECONDS are in the environment."""

import os
from datetime import datetime, timedelta, timezone

import bytewax.operators as op
import bytewax.operators.windowing as win
import mark
import orjson
from bytewax.connectors.files import FileSink, FileSource
from bytewax.dataflow import Dataflow

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
WINDOW = timedelta(seconds=10)

# With the checks of generator/schemas.ts: texts, and whole numbers, of which some are not negative.
FIELDS = {
    "person": (("name", "emailAddress", "creditCard", "city", "state", "extra"), ("id",), ("dateTime",)),
    "auction": (
        ("itemName", "description", "extra"),
        ("id", "initialBid", "reserve", "seller"),
        ("dateTime", "expires", "category"),
    ),
    "bid": (("channel", "url", "extra"), ("auction", "bidder", "price"), ("dateTime",)),
}


def parse(line):
    mark.passed()
    event = orjson.loads(line)
    texts, counts, numbers = FIELDS[event["type"]]
    for name in texts:
        if type(event[name]) is not str:
            raise ValueError("not an event")
    for name in counts:
        if type(event[name]) is not int or event[name] < 0:
            raise ValueError("not an event")
    for name in numbers:
        if type(event[name]) is not int:
            raise ValueError("not an event")
    return event


def in_euros(bid):
    row = {
        "auction": bid["auction"],
        "bidder": bid["bidder"],
        "price": bid["price"] * 908 / 1000,
        "date_time": bid["dateTime"],
        "extra": bid["extra"],
    }
    return "rows", orjson.dumps(row).decode()


def counted(item):
    bidder, (window, count) = item
    start = window * 10_000
    row = {"bidder": int(bidder), "bid_count": count, "starttime": start, "endtime": start + 10_000}
    return bidder, orjson.dumps(row).decode()


def time_of(bid):
    return EPOCH + timedelta(milliseconds=bid["dateTime"])


flow = Dataflow("nexmark")
lines = op.input("events", flow, FileSource(os.environ["INPUT"]))
bids = op.filter("bids", op.map("parse", lines, parse), lambda event: event["type"] == "bid")
if os.environ["QUERY"] == "q1":
    rows = op.map("euros", bids, in_euros)
else:
    windows = win.fold_window(
        "ten-seconds",
        op.key_on("bidder", bids, lambda bid: str(bid["bidder"])),
        # Bytewax's watermark also moves by the system's clock, so that a slow machine makes events late: here it stands still.
        win.EventClock(
            time_of,
            timedelta(seconds=int(os.environ["DISORDER_SECONDS"])),
            now_getter=lambda: EPOCH,
            to_system_utc=lambda _: None,
        ),
        win.TumblingWindower(length=WINDOW, align_to=EPOCH),
        lambda: 0,
        lambda count, bid: count + 1,
        lambda a, b: a + b,
        ordered=False,
    )
    rows = op.map("row", windows.down, counted)
op.output("rows", rows, FileSink(os.environ["ROWS"]))
