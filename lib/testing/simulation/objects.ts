import type { ObjectStore } from "../../state/object-store.ts";

/** A bucket in memory. */
export class SimulatedObjects implements ObjectStore {
  readonly objects = new Map<string, Uint8Array>();
  /** Requests for objects that were deleted: readers of a stale pointer. */
  missed = 0;

  async put(key: string, bytes: Uint8Array): Promise<void> {
    this.objects.set(key, bytes);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const object = this.objects.get(key);
    if (object === undefined) this.missed++;
    return object;
  }

  async list(prefix: string): Promise<readonly string[]> {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix));
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.objects.delete(key);
  }
}
