import { encodeSequence } from "../../formats/json-sequence.ts";

/**
 * The first text of a pack: events of several keys in one record, as a sequence of JSON texts (RFC 7464). Whoever writes it
 * says that each event is routed by its own key, and that those that came to a shard of other keys, as it was split
 * meanwhile, are sent once more.
 */
export const PACK_HEADER = `{"millrace":"pack","version":1}`;

/** Events, as JSON texts, in one record. */
export const encodePack = (events: readonly (string | Uint8Array)[]): Buffer =>
  encodeSequence([PACK_HEADER, ...events]);

/** Whether a sequence's first text says that it is a pack, of whatever version. */
export const isPackHeader = (text: Buffer): boolean => text.subarray(0, MARK.length).equals(MARK);

const MARK = Buffer.from(`{"millrace":"pack"`);
