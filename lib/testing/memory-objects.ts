import type { ObjectStore } from "../state/object-store.ts";

/** An object store in memory: for tests and benchmarks. */
export class MemoryObjects implements ObjectStore {
  readonly objects = new Map<string, Uint8Array>();

  async put(key: string, bytes: Uint8Array): Promise<void> {
    this.objects.set(key, new Uint8Array(bytes));
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.objects.get(key);
  }
}
