import type { Pipeline } from "millrace";
import { MemoryObjects } from "millrace/testing";
import { batchesOf } from "../../engine/millrace/lines.ts";
import { textIntake, type TextRecord } from "../../engine/millrace/text-intake.ts";
import { marker } from "../../harness/mark.ts";
import { planStages } from "../../../lib/plan/stage.ts";
import { PIPELINES } from "../queries/pipelines.ts";
import { Cluster } from "../run/cluster.ts";
import { RowFile } from "../run/rows.ts";
import { TrimmedChangelog } from "./trimmed-stores.ts";

/** What a mapping gives to a turn. */
const BATCH = 1_000;

// A child's program: QUERY INPUT ROWS. It writes its report as JSON.
const [query, input, file] = process.argv.slice(2) as [keyof typeof PIPELINES, string, string];
const pipeline: Pipeline = PIPELINES[query];
const rows = new RowFile(file);
const objects = new MemoryObjects();
const cluster = new Cluster(pipeline, {
  ...{ seed: 1, shards: 1, batch: BATCH },
  stores: { changelog: new TrimmedChangelog(objects), objects },
  writers: new Map([[query, rows]]),
  change: (runnable, { input: { kind, ...from } }) =>
    kind === "source" && "source" in from ? { ...runnable, intake: textIntake(from.source) } : runnable,
});
const mark = marker();
let events = 0;
function* batches(): Generator<readonly TextRecord[]> {
  for (const payloads of batchesOf(input, BATCH)) {
    yield payloads.map((payload) => {
      // A thousand a second, as much as a shard takes.
      const arrival = ++events;
      return { position: { sequence: String(arrival), index: 0 }, arrival, partitionKey: "", base64: "", payload };
    });
    mark(events);
  }
}
const { turns, late, deadLetters } = await cluster.runBatches(batches());
rows.close();
const report = { events, turns, stages: planStages(pipeline).length, late, deadLetters: deadLetters.length };
console.log(JSON.stringify(report));
