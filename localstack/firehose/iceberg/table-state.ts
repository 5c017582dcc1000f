import type { ManifestFile } from "./manifests.ts";

/** What the catalogue points to: all that a commit has to know of those before it. */
export interface TableState {
  readonly uuid: string;
  readonly sequence: number;
  readonly snapshots: readonly Snapshot[];
  readonly manifests: readonly ManifestFile[];
}

export interface Snapshot {
  readonly "snapshot-id": number;
  readonly "parent-snapshot-id"?: number;
  readonly "sequence-number": number;
  readonly "timestamp-ms": number;
  readonly "manifest-list": string;
  readonly "schema-id": 0;
  readonly summary: Readonly<Record<string, string>>;
}

export const EMPTY: Omit<TableState, "uuid"> = { sequence: 0, snapshots: [], manifests: [] };
