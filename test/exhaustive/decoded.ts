import { decodeCommit, isSpilled, type Commit, type StoredCommit } from "../../lib/state/commit.ts";
import { outputId } from "../../lib/state/task-id.ts";
import { must } from "./configuration.ts";
import { logOf, type World } from "./world.ts";

const decoded = new WeakMap<StoredCommit, Commit>();

/** A commit's content; what was decoded once is kept. */
export function contentOf(world: World, task: string, stored: StoredCommit): Commit {
  let commit = decoded.get(stored);
  if (commit === undefined) {
    const body = isSpilled(stored.body) ? world.objects.get(stored.body.key) : stored.body;
    must(body !== undefined, `X2: commit ${stored.epoch} of ${task} was put before its body`);
    decoded.set(stored, (commit = decodeCommit(stored, body, task)));
  }
  return commit;
}

/** The newest commit there ever was of a task. */
export const headOf = (world: World, task: string): StoredCommit | undefined => logOf(world, task).ever.at(-1);

/** The ids of a commit's outputs that its sinks have not received. */
export function undelivered(world: World, task: string, stored: StoredCommit, sink?: string): readonly string[] {
  return contentOf(world, task, stored).outputs.flatMap((output, n) => {
    const id = outputId(task, stored.epoch, n);
    const isMissing = (sink === undefined || output.sink === sink) && !world.sinks.get(output.sink)?.has(id);
    return isMissing ? [id] : [];
  });
}

/** The rows a commit sends to a sink, parsed. */
export const rowsOf = <R>(commit: Commit, sink: string): readonly R[] =>
  commit.outputs.flatMap((output) => (output.sink === sink ? [JSON.parse(output.body) as R] : []));
