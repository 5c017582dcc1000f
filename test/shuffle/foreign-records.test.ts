import { kinesis, lake, pipeline, text, timestamp, type Pipeline } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { elementsText } from "../../lib/runtime/shuffle/pack.ts";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";

const views = kinesis("views", {
  schema: z.object({ page: z.string(), at: z.number() }),
  eventTime: (view) => view.at,
  disorder: {},
});
const pages = (keyBy = "by-page"): Pipeline =>
  pipeline("pages", (flow) => {
    flow
      .from(views)
      .keyBy(keyBy, { page: (view) => view.page })
      .deduplicate("once", { id: (view) => view.page, within: { hours: 1 } })
      .to(lake("seen", { page: text, at: timestamp }));
  });

const letters = (memory: MemoryPipeline): DeadLetter[] => memory.rows<DeadLetter>("$dead-letters");

/** One view goes through, then the text is put into the internal stream. */
async function withForeign(textOfRecord: string): Promise<MemoryPipeline> {
  const memory = new MemoryPipeline(pages());
  memory.put("views", { page: "home", at: 1 }, "key");
  await memory.run();
  memory.stage("by-page").stream.take({ partitionKey: "foreign", text: textOfRecord });
  await memory.run();
  return memory;
}

// Of a shard that the source does not have: what the real producers send is not taken for repeats.
const producer = "pages:0:views:views.0:shardId-000000000007";

describe("X7: what nobody of the pipeline wrote into an internal stream is a dead letter, and its neighbours do not notice", () => {
  test.each([
    ["no JSON", "{", "shuffle/pack"],
    ["a bare text", '"hello"', "shuffle/pack"],
    ["elements without an index", `{"v":1,"p":"${producer}","e":9,"k":"by-page","r":[[]]}`, "shuffle/pack"],
    ["news without a watermark", `{"v":1,"p":"${producer}","e":9,"n":{}}`, "shuffle/pack"],
    [
      "an element of a keyBy that the stage does not have",
      elementsText(producer, 9, "by-user", [[0, '[1,"su",{"page":"x","at":1}]']]),
      "shuffle/no-key-by",
    ],
    [
      "a partial of a window that the stage does not have",
      elementsText(producer, 9, "by-page>hours", [[0, '[1,"sx",{"windows":[],"records":3,"accumulators":[]}]']]),
      "shuffle/no-entry",
    ],
  ])("%s", async (_name, foreign, code) => {
    const memory = await withForeign(foreign);
    expect(letters(memory).map(({ reason }) => reason.code)).toEqual([code]);
    memory.put("views", { page: "other", at: 2 }, "key");
    await memory.drain();
    expect(memory.rows<{ page: string }>("seen").map(({ page }) => page)).toEqual(["home", "other"]);
  });
});

test("X10: a record of a later format stops the task, and names what to deploy", async () => {
  await expect(withForeign(`{"v":2,"p":"${producer}","e":9}`)).rejects.toThrow(
    /format 2.*Deploy the build that wrote it/s,
  );
});
