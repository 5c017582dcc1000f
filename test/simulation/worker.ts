import { add, configureFrom, emptySum, runOnce } from "./work.ts";

/** Runs to do: from the first, so many. */
export interface Chunk {
  readonly from: number;
  readonly count: number;
  readonly seed: string;
  readonly pipeline: string | undefined;
  readonly stopAtFirstFailure: boolean;
}

Error.stackTraceLimit = 4; // simulated errors are many

/** A process of the command: does what it is told, until it is told nothing more. */
process.on("message", (chunk: Chunk) => {
  void (async () => {
    const configure = await configureFrom(chunk.pipeline);
    const sum = emptySum();
    for (let run = chunk.from; run < chunk.from + chunk.count; run++) {
      add(sum, run, await runOnce(configure, chunk.seed, run));
      if (chunk.stopAtFirstFailure && sum.failed.length > 0) break;
    }
    process.send!(sum);
  })();
});
