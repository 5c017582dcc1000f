import type { OperatorCounters } from "../../state/counters.ts";
import { messageOf, poisonError, systemicError } from "../../errors.ts";
import type { TableDelta } from "../../state/keyed-table.ts";
import { entryIn, forgetRemovals, isEntry, putNewer } from "../../state/replicated-table.ts";
import type { TaskState } from "../../state/task-state.ts";
import type { PartOrigins } from "../evolution/part-origins.ts";
import type { ExpiringOperator, OperatorContext, Push } from "../operator.ts";
import type { TableDescription } from "../stateful.ts";
import { BROADCAST, KEY_FIELD, tooLate, type BroadcastSpec } from "./broadcast.ts";
import { presentOf } from "../sent-version.ts";

/** The table of a broadcast stream in a task that reads it. */
export const broadcastTable = ({ name, versions }: BroadcastSpec): TableDescription => ({
  name,
  shape: {
    fixed: "broadcast/1",
    version: 1,
    parts: [{ name: "value", shape: versions.text, wayFrom: (stored) => versions.wayFrom(stored) }],
    changes: new Map(),
    isSparse: false,
  },
  keyFields: [KEY_FIELD],
  keyCodeOf: (key) => key,
  isReplicated: true,
  restore: (delta, from) => restore(name, delta, from),
});

/** @throws systemic error `state/broadcast` */
function restore(name: string, delta: TableDelta, from: PartOrigins | undefined): TableDelta {
  const migrate = from?.origins[0]?.migrate;
  const put = delta.put.map(([space, keys, values]) => {
    const restored = values.map((stored) => {
      if (!isEntry(stored)) throw refused(name, "has an entry that is none");
      const { time, tie, value } = entryIn(stored);
      if (value === undefined || migrate === undefined) return stored;
      try {
        return [time, tie, migrate(value.is)];
      } catch (cause) {
        throw refused(name, `holds what its migration refuses: ${messageOf(cause)}`, cause);
      }
    });
    return [space, keys, restored] as const;
  });
  return { ...delta, put };
}

const refused = (name: string, how: string, cause?: unknown) =>
  systemicError({
    code: "state/broadcast",
    message: `The table of broadcast("${name}") ${how}.`,
    advice: "Deploy the pipeline as it was, or give the broadcast a migration that takes it.",
    cause,
  });

/**
 * Keeps what is broadcast, whole, in a task that reads it.
 *
 * State: a replicated table, by the key's code.
 */
export class BroadcastReplica implements ExpiringOperator {
  readonly #spec: BroadcastSpec;
  readonly #context: OperatorContext;
  readonly #counts: OperatorCounters;
  readonly #toldBy: (state: TaskState) => number;

  /** @param toldBy the event time that all who broadcast have told to have reached */
  constructor(spec: BroadcastSpec, context: OperatorContext, toldBy: (state: TaskState) => number) {
    this.#spec = spec;
    this.#context = context;
    this.#counts = context.state.counters.of(spec.name);
    this.#toldBy = toldBy;
  }

  readonly push: Push = (sent, { time, keyCode }) => {
    const { name } = this.#spec;
    const context = this.#context;
    context.enter(name);
    this.#counts.in.add();
    const [version, tie, ...rest] = Array.isArray(sent) ? (sent as unknown[]) : [];
    if (!Number.isSafeInteger(version) || typeof tie !== "string" || rest.length > 1) throw noElement(name);
    if (this.#isForgotten(time)) throw tooLate(this.#spec);
    const value = rest.length === 0 ? undefined : { is: this.#present(version as number, rest[0]) };
    const isPut = putNewer(context.state.table(name), keyCode, { time, tie, value });
    this.#counts[isPut ? "folded" : "filtered"].add();
  };

  /**
   * Forgets removals once nothing older can come. Those that broadcast do not send what is older than `keepRemoved` before
   * their watermark: so their own words count, and not how far the task is, which may have gone on without them.
   */
  expireUpTo(): void {
    const { name, keepRemoved } = this.#spec;
    const { state } = this.#context;
    if (!state.hasTable(name)) return;
    const table = state.table(name);
    if (table.size > 0) forgetRemovals(table, this.#toldBy(state) - keepRemoved);
  }

  /**
   * Whether a removal of that time may be forgotten. Nobody sends anything so old; what was set aside here, and is redriven
   * long after, is, and so may be what another build sends, which knows removals for longer.
   */
  #isForgotten(time: number): boolean {
    const { removes, keepRemoved } = this.#spec;
    return removes !== undefined && time <= this.#toldBy(this.#context.state) - keepRemoved;
  }

  /** A value of the version that was sent as one of this build's. */
  #present(version: number, value: unknown): unknown {
    const { name, versions } = this.#spec;
    const sent = {
      shape: BROADCAST,
      versions,
      code: "broadcast/version",
      noun: "A value",
      through: `broadcast("${name}")`,
    };
    return presentOf(sent, version, value);
  }
}

const noElement = (name: string) =>
  poisonError({
    code: "broadcast/element",
    message: `What came through broadcast("${name}") is none of its values.`,
    advice: "Only stages of the pipeline may write to internal streams.",
  });
