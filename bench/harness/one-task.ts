import { runnableStage } from "../../lib/connectors/runnable-stage.ts";
import type { Pipeline } from "../../lib/pipeline/topology.ts";
import { planStages, type Stage } from "../../lib/plan/stage.ts";
import { DEAD_LETTERS } from "../../lib/runtime/dead-letter.ts";
import type { TurnReport } from "../../lib/runtime/observer.ts";
import type { SinkWriter } from "../../lib/runtime/sink-writer.ts";
import { StageRuntime, type RunnableStage } from "../../lib/runtime/stage-runtime.ts";
import { TICKS } from "../../lib/runtime/tick.ts";
import type { Changelog } from "../../lib/state/changelog.ts";
import { WHOLE_RANGE } from "../../lib/state/hash-range.ts";
import type { ObjectStore } from "../../lib/state/object-store.ts";

export const SHARD = "shardId-000000000000";

export interface OneTask {
  readonly changelog: Changelog;
  readonly objects: ObjectStore;
  /** Where rows of all sinks go. */
  readonly sink: SinkWriter;
  readonly onTurn: (report: TurnReport) => void;
  /** @default as it is */
  readonly change?: (runnable: RunnableStage, stage: Stage) => RunnableStage;
  /** Epoch milliseconds. @default the clock */
  readonly now?: () => number;
  /** Where ticks go. @default nowhere */
  readonly ticks?: SinkWriter;
  /** Whether the shard holds nothing after what was read. @default always */
  readonly isAtTip?: () => boolean;
}

/** The runtime of a pipeline's first stage, as a function has it, over one shard. A dead letter ends the run. */
export function oneTask(pipeline: Pipeline, options: OneTask): StageRuntime {
  const { changelog, objects, sink, onTurn, change, isAtTip = () => true } = options;
  const [stage] = planStages(pipeline);
  const runnable = runnableStage(pipeline, stage!, { generation: 0, incarnation: 0 });
  let nonces = 0;
  return new StageRuntime({
    stage: change?.(runnable, stage!) ?? runnable,
    build: "bench",
    changelog,
    objects,
    writers: new Map<string, SinkWriter>([
      ...stage!.sinks.map(({ name }) => [name, sink] as const),
      [TICKS, options.ticks ?? { deliver: async () => [] }],
      [
        DEAD_LETTERS,
        {
          deliver: async ([letter]) => {
            throw new Error(`A dead letter: ${letter!.body}`);
          },
        },
      ],
    ]),
    partitions: {
      list: async () => [{ id: SHARD, parents: [], range: WHOLE_RANGE }],
      isAtTip: async () => isAtTip(),
    },
    observer: {
      turn: onTurn,
      notice: (_, what, cause) => {
        throw new Error(what, { cause });
      },
    },
    now: options.now ?? Date.now,
    newNonce: () => `nonce-${++nonces}`,
    suspectAfter: Number.POSITIVE_INFINITY,
  });
}
