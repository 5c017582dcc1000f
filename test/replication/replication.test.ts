import { kafkaRecords, kinesis, kinesisRecords, replication, streamCopy, topicCopy, type RawRecord } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { planStages } from "../../lib/plan/stage.ts";
import { testDriver } from "millrace/testing";
import { aggregate } from "../../lib/formats/kpl.ts";

const orders = kinesisRecords("orders", { cluster: "frankfurt" });
const dublin = streamCopy("orders_dublin", { cluster: "dublin" });
const paris = topicCopy("orders_paris", { cluster: "paris" });

/** A record that has been in some clusters before. */
const from = (...clusters: readonly string[]) => {
  const tags = [
    ["millrace-origin", `${clusters[0]}/orders/0/1`],
    ["millrace-clusters", clusters.join()],
  ] as const;
  return aggregate([{ partitionKey: "k", data: Buffer.from(clusters.join()), tags }]);
};

/** What comes of records that were produced here, and of those that came from elsewhere. */
function copiesOf(pipeline: ReturnType<typeof replication>, sinks: readonly (typeof dublin | typeof paris)[]) {
  const driver = testDriver(pipeline);
  for (const payload of [Buffer.from("own"), from("dublin"), from("paris"), from("paris", "dublin"), from("rome")])
    driver.pushRaw(orders, payload, "k");
  driver.drain();
  return sinks.map((sink) => driver.read<RawRecord>(sink).map(({ value }) => String(value)));
}

describe("a record is never copied to a cluster that it has been in", () => {
  test("and to any other it is, from one source to several", () => {
    const pipeline = replication("copies", { from: orders, to: dublin }, { from: orders, to: paris });
    expect(planStages(pipeline)).toHaveLength(1);
    expect(copiesOf(pipeline, [dublin, paris])).toEqual([
      ["own", "paris", "rome"],
      ["own", "dublin", "rome"],
    ]);
  });

  test("and copies are not copied on where that is said", () => {
    expect(copiesOf(replication("copies", { from: orders, to: dublin, forward: false }), [dublin])).toEqual([["own"]]);
  });

  test("and only those that are wanted", () => {
    const where = ({ value }: RawRecord) => String(value) !== "rome";
    expect(copiesOf(replication("copies", { from: orders, to: dublin, where }), [dublin])).toEqual([["own", "paris"]]);
  });
});

describe("refused", () => {
  const refuses = (code: string, make: () => unknown) =>
    expect(make).toThrow(expect.objectContaining({ kind: "definition", code }) as Error);

  test("is a copy within one cluster: every record would be left out", () => {
    refuses("replication/same-cluster", () => replication("x", { from: orders, to: streamCopy("o", { cluster: "frankfurt" }) })); // prettier-ignore
  });
  test("is a source that decodes", () => {
    const decoded = kinesis("orders", { schema: z.object({}), eventTime: () => 0, disorder: {} });
    refuses("replication/source", () => replication("x", { from: decoded as never, to: dublin }));
  });
  test.each(["", "Frankfurt", "a,b", "x".repeat(33)])("is a cluster named %j", (cluster) => {
    refuses("replication/cluster", () => kinesisRecords("orders", { cluster }));
    refuses("replication/cluster", () => kafkaRecords("orders", { cluster }));
    refuses("replication/cluster", () => streamCopy("orders", { cluster }));
    refuses("replication/cluster", () => topicCopy("orders", { cluster }));
  });
  test("are packs of a source without a key", () => {
    const packedBy = kinesis("orders", { schema: z.object({}), eventTime: () => 0, disorder: {} }) as never;
    refuses("replication/packed-by", () => kinesisRecords("orders", { cluster: "frankfurt", packedBy }));
  });
});
