import type { SinkWriter, SinkWriters } from "../runtime/sink-writer.ts";
import type { InternalStream } from "../runtime/shuffle/internal-stream.ts";
import type { SourcePartitions } from "../runtime/source-partitions.ts";
import type { Changelog } from "../state/changelog.ts";
import type { ObjectStore } from "../state/object-store.ts";

/** A request of the runtime to the world outside. */
export interface Request {
  readonly service: "changelog" | "objects" | "sink" | "partitions" | "stream";
  /** The method's name; for a sink `deliver`. */
  readonly operation: string;
  /** The task, key, partition, sink or internal stream it is about. */
  readonly subject: string;
}

/** Stands between the runtime and the world: may carry a request out, lose it, delay it, or lose its answer. */
export type Gate = <T>(request: Request, carryOut: () => Promise<T>) => Promise<T>;

/** What a stage's runtime talks to. */
export interface World {
  readonly changelog: Changelog;
  readonly objects: ObjectStore;
  readonly writers: SinkWriters;
  readonly partitions: SourcePartitions;
}

/** The same world, every request to which passes a gate. */
export function gated(world: World, gate: Gate): World {
  const changelog: Changelog = {
    newest: (task, ...rest) => gate(of("changelog", "newest", task), () => world.changelog.newest(task, ...rest)),
    range: (task, ...rest) => gate(of("changelog", "range", task), () => world.changelog.range(task, ...rest)),
    append: (task, ...rest) => gate(of("changelog", "append", task), () => world.changelog.append(task, ...rest)),
    raiseDelivered: (task, ...rest) =>
      gate(of("changelog", "raiseDelivered", task), () => world.changelog.raiseDelivered(task, ...rest)),
    raiseProgress: (task, ...rest) =>
      gate(of("changelog", "raiseProgress", task), () => world.changelog.raiseProgress(task, ...rest)),
    beginTrial: (task, ...rest) =>
      gate(of("changelog", "beginTrial", task), () => world.changelog.beginTrial(task, ...rest)),
    endTrial: (task, ...rest) => gate(of("changelog", "endTrial", task), () => world.changelog.endTrial(task, ...rest)),
    noteLineage: (task, ...rest) =>
      gate(of("changelog", "noteLineage", task), () => world.changelog.noteLineage(task, ...rest)),
    raiseCheckpoint: (task, ...rest) =>
      gate(of("changelog", "raiseCheckpoint", task), () => world.changelog.raiseCheckpoint(task, ...rest)),
  };
  const objects: ObjectStore = {
    put: (key, bytes) => gate(of("objects", "put", key), () => world.objects.put(key, bytes)),
    get: (key) => gate(of("objects", "get", key), () => world.objects.get(key)),
    list: (prefix) => gate(of("objects", "list", prefix), () => world.objects.list(prefix)),
    delete: (keys) => gate(of("objects", "delete", keys[0] ?? ""), () => world.objects.delete(keys)),
  };
  const partitions: SourcePartitions = {
    list: () => gate(of("partitions", "list", ""), () => world.partitions.list()),
    isAtTip: (partition, sequence) =>
      gate(of("partitions", "isAtTip", partition), () => world.partitions.isAtTip(partition, sequence)),
  };
  const writers = new Map<string, SinkWriter>();
  for (const [name, writer] of world.writers) {
    writers.set(name, {
      deliver: (deliveries) => gate(of("sink", "deliver", name), () => writer.deliver(deliveries)),
    });
  }
  return { changelog, objects, writers, partitions };
}

/** What a stage writes to for another one, every request to which passes a gate. @param name the reading stage's */
export const gatedStream = (name: string, stream: InternalStream, gate: Gate): InternalStream => ({
  put: (records) => gate(of("stream", "put", name), () => stream.put(records)),
  open: (fresh) => gate(of("stream", "open", name), () => stream.open(fresh)),
});

const of = (service: Request["service"], operation: string, subject: string): Request => ({
  service,
  operation,
  subject,
});
