import { double, kinesis, lake, pipeline, text, type Pipeline } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import { infrastructureError } from "../../lib/errors.ts";
import { overriding } from "../support/overriding.ts";
import { record, Rig } from "../support/rig.ts";

const source = kinesis("events", {
  schema: z.object({ key: z.string(), time: z.number() }),
  key: { key: (e) => e.key },
  eventTime: (e) => e.time,
  disorder: { millis: 5 },
});

const version = (sink: string, name = "once", was: readonly string[] = []): Pipeline =>
  pipeline("heads", (flow) => {
    flow
      .from(source)
      .byKey.deduplicate(name, { id: (e) => e.time, within: { hours: 1 }, was })
      .to(lake(sink, { key: text, time: double }));
  });

const event = (n: number, time: number) => record(n, { key: "a", time });

test("ids that were seen are seen under the operator's new name", async () => {
  const rig = new Rig(version("rows"));
  await rig.task().turn({ kind: "records", records: [event(1, 10)] });
  rig.deploy(version("rows", "anew", ["once"]), "build-2");
  await rig.task().turn({ kind: "records", records: [event(2, 10), event(3, 20)] });
  expect(rig.rows("rows")).toMatchObject([{ time: 10 }, { time: 20 }]);
});

test("X5: a head whose sink a version has taken out waits for a version that has the sink", async () => {
  const rig = new Rig(version("rows"));
  const down = rig.task({
    wrapSink: (name, sink) =>
      overriding(sink, {
        deliver: async (items) => {
          if (name === "rows") throw infrastructureError({ code: "test/down", message: "the sink is down" });
          return sink.deliver(items);
        },
      }),
  });
  await expect(down.turn({ kind: "records", records: [event(1, 10)] })).rejects.toMatchObject({
    code: "delivery/failed",
  });
  const before = await rig.header();
  const rows = rig.sinks.get("rows")!;
  rig.sinks.delete("rows");
  rig.deploy(version("others"), "build-2");
  await expect(rig.task().turn({ kind: "records", records: [event(2, 20)] })).rejects.toThrow(
    /No sink "rows" is bound, and a commit has outputs for it\. Deploy the build that has the sink/,
  );
  expect(await rig.header()).toEqual(before);
  rig.sinks.set("rows", rows);
  rig.deploy(version("rows"), "build-3");
  await rig.task().turn({ kind: "sweep" });
  rig.sinks.delete("rows");
  rig.deploy(version("others"), "build-4");
  await rig.task().turn({ kind: "records", records: [event(2, 20)] });
  expect(rows.rows()).toMatchObject([{ time: 10 }]);
  expect(rig.rows("others")).toMatchObject([{ time: 20 }]);
});
