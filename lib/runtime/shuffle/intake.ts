import { isSystemic, poisonError } from "../../errors.ts";
import { tracedText } from "../../operators/shuffle.ts";
import { isPartialEntry, keyByOf, type PartialAggregate } from "../../operators/pre-aggregate.ts";
import { decodeKey, isKeyOf, type KeyValues } from "../../state/key.ts";
import { admit, hear, timeOf, type ProducerTask } from "../../state/producers.ts";
import { parseTaskName } from "../../state/task-id.ts";
import type { TaskState } from "../../state/task-state.ts";
import { encodeValue } from "../../state/value-text.ts";
import { BEFORE_ALL_TIME } from "../../time/instant.ts";
import type { IncomingUnit, Intake } from "../intake.ts";
import type { IncomingRecord } from "../record.ts";
import { UnreadableUnit } from "../source-units.ts";
import { elementsText, parsePack, type Element, type Pack } from "./pack.ts";

export interface ShuffleInput {
  /** Per `keyBy` that leads into the stage, its key's fields in order. */
  readonly keyFields: ReadonlyMap<string, readonly string[]>;
  /** The stages that write to it. */
  readonly producers: readonly string[];
}

/** Records of an internal stream: a unit per element; event time is what the producers say of themselves. */
export class ShuffleIntake implements Intake {
  readonly kind = "shuffle";
  readonly #input: ShuffleInput;
  /** Names of tasks that were taken apart: they come again and again. */
  readonly #tasks = new Map<string, ProducerTask>();

  constructor(input: ShuffleInput) {
    this.#input = input;
  }

  unitsOf(record: IncomingRecord, state: TaskState): readonly IncomingUnit[] {
    const pack = open(record);
    if (pack instanceof Error) return [new UnreadableUnit("", record, pack)];
    const { producer, epoch } = pack;
    if (pack.kind === "news") {
      hear(state, producer, epoch, pack.news);
      return [];
    }
    const fresh = admit(
      state,
      producer,
      epoch,
      pack.elements.map(({ index }) => index),
    );
    return pack.elements.filter((_, i) => fresh[i]).map((element) => this.#unit(record, pack, element));
  }

  unitsOfLetter(record: IncomingRecord): readonly IncomingUnit[] {
    const pack = open(record);
    if (pack instanceof Error) return [new UnreadableUnit("", record, pack)];
    return pack.kind === "news" ? [] : pack.elements.map((element) => this.#unit(record, pack, element));
  }

  skip(record: IncomingRecord, state: TaskState): void {
    this.unitsOf(record, state);
  }

  watermarkOf(): number {
    return BEFORE_ALL_TIME;
  }

  watermarkIn(state: TaskState): number {
    return timeOf(state, this.#input.producers, this.#taskOf).watermark;
  }

  isSilent(state: TaskState): boolean {
    return timeOf(state, this.#input.producers, this.#taskOf).areIdle;
  }

  missingIn(state: TaskState): readonly string[] {
    return timeOf(state, this.#input.producers, this.#taskOf).missing;
  }

  #unit(record: IncomingRecord, { producer, epoch, entry }: Extract<Pack, { kind: "elements" }>, element: Element) {
    const { index, time, keyCode, value, traces } = element;
    return {
      entry,
      open: () => ({ value, time, key: this.#keyOf(entry, keyCode), keyCode, traces }),
      records: recordsIn(entry, value),
      record: () => {
        const text = `[${time},${JSON.stringify(keyCode)},${encodeValue(value, "A dead letter's value")}]`;
        const json = elementsText(producer, epoch, entry, [[index, tracedText(text, traces)]]);
        return { ...record, base64: Buffer.from(json).toString("base64") };
      },
    };
  }

  #keyOf(entry: string, keyCode: string): KeyValues {
    const keyBy = keyByOf(entry);
    const fields = this.#input.keyFields.get(keyBy);
    if (fields !== undefined) {
      if (isKeyOf(fields, keyCode)) return decodeKey(fields, keyCode);
      throw poisonError({
        code: "shuffle/other-key",
        message: `An element came through keyBy("${keyBy}") with a key that does not consist of ${fields.join(", ")}.`,
        advice: "Deploy a build with the key as it was until all of its elements are read; then redrive the letter.",
      });
    }
    throw poisonError({
      code: "shuffle/no-key-by",
      message: `An element came through keyBy("${keyBy}"), which this build's stage does not have.`,
      advice: "Deploy a build that has it until all of its elements are read; then redrive the letter.",
    });
  }

  #taskOf = (name: string): ProducerTask => {
    let task = this.#tasks.get(name);
    if (task === undefined) this.#tasks.set(name, (task = parseTaskName(name)));
    return task;
  };
}

/** A record's pack, or what is wrong with it. */
function open({ base64 }: IncomingRecord): Pack | Error {
  try {
    return parsePack(Buffer.from(base64, "base64").toString());
  } catch (thrown) {
    if (thrown instanceof Error && !isSystemic(thrown)) return thrown;
    throw thrown;
  }
}

/** Of a partial that is none, one: it will be a dead letter. */
function recordsIn(entry: string, value: unknown): number {
  const { records } = isPartialEntry(entry) ? (value as PartialAggregate) : { records: 1 };
  return Number.isSafeInteger(records) && records > 0 ? records : 1;
}
