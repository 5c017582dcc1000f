import { isNews, parsePack, newsPackText } from "../../../runtime/shuffle/pack.ts";
import type { ProducerNews } from "../../../state/producers.ts";
import { parseOutputId } from "../../../state/task-id.ts";
import { BEFORE_ALL_TIME } from "../../../time/instant.ts";
import type { LedgerTask } from "../ledger.ts";
import type { Simulation } from "../simulation.ts";
import { parentsOf, type FoldedCommit } from "./lineage.ts";
import type { TakenUnit } from "./taken.ts";
import type { Watermarks } from "./watermarks.ts";

/** How far a producer had said that it was, before one of its epochs. */
interface Told {
  readonly watermark: number;
  /** Whether it, or one that it took over from, ever said that it was idle: then readers did not wait for it. */
  readonly wasIdle: boolean;
}

/**
 * What no rule of the readers' own can tell: whoever is given an element is no further than its producer had said to be
 * before it sent it. So nothing that was in time for its producer is late for the reader.
 */
export function checkFloorOf(
  simulation: Simulation,
  { task, commit }: FoldedCommit,
  unit: TakenUnit,
  time: Watermarks,
): void {
  for (const id of unit.outputs) {
    const { task: producer, epoch } = parseOutputId(id);
    const told = toldBefore(simulation.ledger.tasks.get(producer)!, epoch, task.stage.name);
    if (told.wasIdle || time.watermark <= told.watermark) continue;
    simulation.fail(
      "watermark",
      `${task.name}@${commit.stored.epoch} is at ${time.watermark} when ${id} comes; its producer was at ${told.watermark}.`,
    );
  }
}

function toldBefore(task: LedgerTask, epoch: number, reader: string): Told {
  const news = newsOf(task, reader).filter((one) => one.epoch < epoch);
  const parents = parentsOf(task).map((parent) => toldBefore(parent, Number.POSITIVE_INFINITY, reader));
  const inherited = parents.length === 0 ? BEFORE_ALL_TIME : Math.min(...parents.map(({ watermark }) => watermark));
  return {
    watermark: news.at(-1)?.news.watermark ?? inherited,
    wasIdle: news.some((one) => one.news.isIdle) || parents.some(({ wasIdle }) => wasIdle),
  };
}

interface EpochNews {
  readonly epoch: number;
  readonly news: ProducerNews;
}

const known = new WeakMap<LedgerTask, Map<string, readonly EpochNews[]>>();

/** All that a task has said of itself to those that read from it. */
function newsOf(task: LedgerTask, reader: string): readonly EpochNews[] {
  let byReader = known.get(task);
  if (byReader === undefined) known.set(task, (byReader = new Map<string, readonly EpochNews[]>()));
  let all = byReader.get(reader);
  if (all === undefined) {
    all = task.commits.flatMap(({ stored: { epoch }, outputs }) =>
      outputs.flatMap(({ sink, body }) => {
        if (sink !== reader || !isNews(body)) return [];
        const pack = parsePack(newsPackText(task.name, epoch, body));
        return pack.kind === "news" ? [{ epoch, news: pack.news }] : [];
      }),
    );
    byReader.set(reader, all);
  }
  return all;
}
