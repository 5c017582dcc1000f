import type { Usage } from "../types.ts";
import type { Deployment } from "./deployment.ts";
import { drainAll } from "./drain.ts";
import type { Interrupt } from "./interrupt.ts";
import { duration, whole, type Printer } from "./print.ts";

export interface EndedInput {
  /** What the pipeline used, without this command's own looks at its tasks. */
  readonly usage: Usage;
}

/** Drains the tasks of the source, has every other stage end by itself, and writes what delivery streams still hold. Faults go on until everyone was told. */
export async function endInput(deployment: Deployment, interrupt: Interrupt, printer: Printer): Promise<EndedInput> {
  const { stack } = deployment;
  const began = performance.now();
  const [source, ...others] = deployment.stages;
  const names = await source.taskNames();
  const readers = (await Promise.all(others.map((stage) => stage.taskNames()))).flat();
  let usage: Usage | undefined;
  const settled = async (): Promise<void> => {
    await stack.flushDeliveryStreams();
    usage = stack.usage();
  };
  const tasks = await drainAll({
    names,
    readers,
    send: (task) => deployment.drain(task),
    isSettled: async () => {
      const { recordsBehind, inFlight, hiddenMessages, visibleMessages } = await stack.lag();
      return recordsBehind + inFlight + hiddenMessages + visibleMessages === 0;
    },
    look: () => deployment.tasks(),
    sleep: interrupt.sleep,
    onSent: () => stack.calm(),
    onSettled: settled,
  });
  await interrupt.orEnd(stack.flushDeliveryStreams());
  printer.fact(
    "drained",
    `${whole(tasks.length)} task${tasks.length === 1 ? "" : "s"}`,
    `in ${duration(performance.now() - began)}: watermarks are at the end of time`,
  );
  return { usage: usage ?? stack.usage() };
}
