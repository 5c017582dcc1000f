/** Where checkpoints and spilled bodies lie. Keys contain a nonce, so an object never changes (X11). */
export interface ObjectStore {
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** The object, or nothing when there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** The keys that begin with a prefix. */
  list(prefix: string): Promise<readonly string[]>;
  /** Deletes objects; those that are gone already are no matter. */
  delete(keys: readonly string[]): Promise<void>;
}
