import type { SinkWriter } from "../runtime/sink-writer.ts";
import type { SourcePartitions } from "../runtime/source-partitions.ts";

/** What is made when it is first asked for, and again where that failed. */
export function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return async () => {
    loading ??= load();
    try {
      return await loading;
    } catch (cause) {
      loading = undefined;
      throw cause;
    }
  };
}

/** A writer whose code, and its service's client, are read at its first delivery: most batches deliver nothing. */
export function lazyWriter(load: () => Promise<SinkWriter>): SinkWriter {
  const writer = lazily(load);
  return { deliver: async (deliveries) => (await writer()).deliver(deliveries) };
}

/** Partitions of a source of which only these two things are ever asked, and rarely: the same. */
export function lazyPartitions(
  load: () => Promise<Pick<SourcePartitions, "list" | "isAtTip">>,
): Pick<SourcePartitions, "list" | "isAtTip"> {
  const partitions = lazily(load);
  return {
    list: async () => (await partitions()).list(),
    isAtTip: async (...args) => (await partitions()).isAtTip(...args),
  };
}
