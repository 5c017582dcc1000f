import type { ObjectStore } from "../../lib/state/object-store.ts";
import { MemoryObjects } from "../../lib/testing/memory-objects.ts";
import type { Tally } from "./tally.ts";

/** Objects in memory whose requests and bytes are counted. */
export function countedObjects(tally: () => Tally): ObjectStore {
  const objects = new MemoryObjects();
  return {
    put: async (key, bytes) => {
      tally().add("s3 PutObject");
      tally().bytesOut += bytes.length;
      await objects.put(key, bytes);
    },
    get: async (key) => {
      const object = await objects.get(key);
      tally().add("s3 GetObject");
      tally().bytesIn += object?.length ?? 0;
      return object;
    },
    list: (prefix) => objects.list(prefix),
    delete: (keys) => objects.delete(keys),
  };
}
