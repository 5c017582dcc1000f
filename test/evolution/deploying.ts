import type { Pipeline } from "millrace";
import fc from "fast-check";
import { infrastructureError } from "../../lib/errors.ts";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import { overriding } from "../support/overriding.ts";
import { record, Rig, SMALL_LIMITS, type RigOptions } from "../support/rig.ts";

/** How records are given to a task while its pipeline changes. */
export interface Deploying {
  /** Before which records the next version is deployed, in any order. */
  readonly deployments: readonly number[];
  /** Where batches are cut besides. */
  readonly cuts: readonly number[];
  /** Whether each batch meets a process that knows nothing, and every commit is spilled and checkpointed. */
  readonly isCold: boolean;
  /** Whether no checkpoint can be written: then deltas of one version follow on state of another in the log. */
  readonly hasCheckpoints: boolean;
}

/** @param versions how many there are */
export const deployings = (versions: number): fc.Arbitrary<Deploying> =>
  fc.record({
    deployments: fc.array(fc.nat(60), { minLength: versions - 1, maxLength: versions - 1 }),
    cuts: fc.array(fc.nat(60), { maxLength: 12 }),
    isCold: fc.boolean(),
    hasCheckpoints: fc.boolean(),
  });

/** What a run sent, each output by its id, with the version that made it. */
export interface Sent {
  readonly version: number;
  readonly sink: string;
  readonly row: Readonly<Record<string, unknown>>;
}

export const withoutCheckpoints: RigOptions = {
  wrapObjects: (objects) =>
    overriding(objects, {
      put: async (key, body) => {
        if (!key.startsWith("checkpoints/")) return objects.put(key, body);
        throw infrastructureError({ code: "test/refused", message: "no checkpoints today" });
      },
    }),
};

/**
 * Runs values through versions of a pipeline, each deployed over what the one before has left, and drains it.
 *
 * @param versions the first first
 */
export async function runDeploying(
  versions: readonly Pipeline[],
  values: readonly { readonly key: string }[],
  { deployments, cuts, isCold, hasCheckpoints }: Deploying,
): Promise<{ readonly sent: ReadonlyMap<string, Sent>; readonly rig: Rig }> {
  const records = values.map((value, i) => record(i + 1, value));
  const places = (of: readonly number[]) => of.map((place) => place % (records.length + 1)).sort((a, b) => a - b);
  const deployed = places(deployments);
  const starts = [...new Set([0, ...deployed, ...places(cuts)])].sort((a, b) => a - b);
  const rig = new Rig(versions[0]!);
  const sent = new Map<string, Sent>();
  const options: RigOptions = {
    ...(isCold && { limits: SMALL_LIMITS }),
    ...(!hasCheckpoints && withoutCheckpoints),
  };
  let version = -1;
  let task = rig.task(options);
  const turn = async (batch: readonly IncomingRecord[] | undefined) => {
    await task.turn(batch === undefined ? { kind: "drain" } : { kind: "records", records: batch });
    for (const [sink, { received }] of rig.sinks) {
      for (const { id, body } of received) {
        if (!sent.has(id)) sent.set(id, { version, sink, row: JSON.parse(body) as Sent["row"] });
      }
    }
  };
  for (const [i, start] of starts.entries()) {
    const now = deployed.filter((place) => place <= start).length;
    if (now !== version) rig.deploy(versions[now]!, `build-${now + 1}`);
    if (now !== version || isCold) task = rig.task(options);
    version = now;
    const batch = records.slice(start, starts[i + 1]);
    if (batch.length > 0) await turn(batch);
  }
  await turn(undefined);
  return { sent, rig };
}

/** The number of the first record that a version may have met. */
export const firstOf = (version: number, { deployments }: Deploying, records: number): number =>
  [0, ...deployments.map((place) => place % (records + 1)).sort((a, b) => a - b)][version]!;
