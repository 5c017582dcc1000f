import { decodeKey, encodeKey, type KeyValue } from "../../state/key.ts";
import type { KeyedTable } from "../../state/keyed-table.ts";
import { entryIn, PRESENT } from "../../state/replicated-table.ts";
import { readable } from "../../state/stored-value.ts";
import type { TaskState } from "../../state/task-state.ts";
import type { Scope } from "../process/scope.ts";
import { KEY_FIELD, type BroadcastTable } from "./broadcast.ts";

/** A broadcast stream's table as user code reads it, while it is called. */
export class BroadcastView implements BroadcastTable<unknown, KeyValue> {
  readonly #name: string;
  readonly #state: TaskState;
  readonly #scope: Scope;

  constructor(name: string, state: TaskState, scope: Scope) {
    this.#name = name;
    this.#state = state;
    this.#scope = scope;
  }

  get(key: KeyValue): never {
    return valueIn(this.#table.get(PRESENT, encodeKey({ [KEY_FIELD]: key })));
  }

  has(key: KeyValue): boolean {
    return this.#table.get(PRESENT, encodeKey({ [KEY_FIELD]: key })) !== undefined;
  }

  values(): readonly never[] {
    return Array.from(this.#table.entriesOf(PRESENT).values(), valueIn);
  }

  entries(): readonly (readonly [key: KeyValue, value: never])[] {
    return Array.from(this.#table.entriesOf(PRESENT), ([code, stored]) => [
      decodeKey([KEY_FIELD], code)[KEY_FIELD]!,
      valueIn(stored),
    ]);
  }

  /** @throws systemic error `process/ended` outside of a call */
  get #table(): KeyedTable {
    void this.#scope.call;
    return this.#state.table(this.#name);
  }
}

const valueIn = (stored: unknown): never =>
  readable(stored === undefined ? undefined : entryIn(stored).value?.is) as never;
