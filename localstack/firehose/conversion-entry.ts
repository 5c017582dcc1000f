import { parentPort, workerData } from "node:worker_threads";
import { convertRecords, type ConversionSettings } from "./format-conversion.ts";

/** Converts one object's records in a thread of its own, so that a large one does not hold up the whole stack. */
const { bytes, lengths, settings } = workerData as {
  readonly bytes: Uint8Array;
  readonly lengths: readonly number[];
  readonly settings: ConversionSettings;
};
let at = 0;
const records = lengths.map((length) => bytes.subarray(at, (at += length)));
const conversion = convertRecords(records, settings);
parentPort?.postMessage(conversion);
