import { isSystemic, poisonError } from "../../errors.ts";
import { tracedText } from "../../operators/element.ts";
import { isPartialEntry, keyByOf, type PartialAggregate } from "../../operators/pre-aggregate.ts";
import { keyReader, type KeyReader, type KeyValues } from "../../state/key.ts";
import { admit, hear, timeOf, type ProducerTask } from "../../state/producers.ts";
import { parseTaskName } from "../../state/task-id.ts";
import type { TaskState } from "../../state/task-state.ts";
import { encodeValue } from "../../state/value-text.ts";
import type { IncomingUnit, Intake, Opened } from "../intake.ts";
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
  readonly disorder = Number.POSITIVE_INFINITY;
  readonly #input: ShuffleInput;
  /** By entry, what makes a key of its code. */
  readonly #keys = new Map<string, KeyOf>();
  /** Names of tasks that were taken apart: they come again and again. */
  readonly #tasks = new Map<string, ProducerTask>();

  constructor(input: ShuffleInput) {
    this.#input = input;
  }

  eachUnit(record: IncomingRecord, state: TaskState, fold: (unit: IncomingUnit) => void): number {
    const units = this.#freshUnits(record, state);
    units.forEach(fold);
    return units.length;
  }

  /** Those that have not come before. */
  #freshUnits(record: IncomingRecord, state: TaskState): readonly IncomingUnit[] {
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
    return this.#unitsOf(
      record,
      pack,
      pack.elements.filter((_, i) => fresh[i]),
    );
  }

  unitsOfLetter(record: IncomingRecord): readonly IncomingUnit[] {
    const pack = open(record);
    if (pack instanceof Error) return [new UnreadableUnit("", record, pack)];
    return pack.kind === "news" ? [] : this.#unitsOf(record, pack, pack.elements);
  }

  skip(record: IncomingRecord, state: TaskState): void {
    this.#freshUnits(record, state);
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

  #unitsOf(record: IncomingRecord, pack: ElementPack, elements: readonly Element[]): readonly IncomingUnit[] {
    if (elements.length === 0) return [];
    const keyOf = this.#keyOf(pack.entry);
    return elements.map((element) => new ElementUnit(record, pack, element, keyOf));
  }

  #keyOf(entry: string): KeyOf {
    let keyOf = this.#keys.get(entry);
    if (keyOf === undefined) {
      const keyBy = keyByOf(entry);
      const fields = this.#input.keyFields.get(keyBy);
      keyOf = fields === undefined ? () => noKeyBy(keyBy) : keyOfFields(keyBy, fields);
      // What comes through a `keyBy` that is not there any more is to be seldom, and others' names are no cache's.
      if (fields !== undefined) this.#keys.set(entry, keyOf);
    }
    return keyOf;
  }

  #taskOf = (name: string): ProducerTask => {
    let task = this.#tasks.get(name);
    if (task === undefined) this.#tasks.set(name, (task = parseTaskName(name)));
    return task;
  };
}

/** A key of its code. Throws poison errors for what is none. */
type KeyOf = (keyCode: string) => KeyValues;

type ElementPack = Extract<Pack, { kind: "elements" }>;

/** An element of a pack. */
class ElementUnit implements IncomingUnit {
  readonly #record: IncomingRecord;
  readonly #pack: ElementPack;
  readonly #element: Element;
  readonly #keyOf: KeyOf;

  constructor(record: IncomingRecord, pack: ElementPack, element: Element, keyOf: KeyOf) {
    this.#record = record;
    this.#pack = pack;
    this.#element = element;
    this.#keyOf = keyOf;
  }

  get entry(): string {
    return this.#pack.entry;
  }

  get records(): number {
    return recordsIn(this.#pack.entry, this.#element.value);
  }

  open(): Opened {
    const { time, keyCode, value, traces } = this.#element;
    return { value, time, key: this.#keyOf(keyCode), keyCode, traces };
  }

  record(): IncomingRecord {
    const { producer, epoch, entry } = this.#pack;
    const { index, time, keyCode, value, traces } = this.#element;
    const text = `[${time},${JSON.stringify(keyCode)},${encodeValue(value, "A dead letter's value")}]`;
    const json = elementsText(producer, epoch, entry, [[index, tracedText(text, traces)]]);
    return { ...this.#record, base64: Buffer.from(json).toString("base64") };
  }
}

function keyOfFields(keyBy: string, fields: readonly string[]): KeyOf {
  const read: KeyReader = keyReader(fields);
  return (keyCode) => {
    const key = read(keyCode);
    if (key !== undefined) return key;
    throw poisonError({
      code: "shuffle/other-key",
      message: `An element came through keyBy("${keyBy}") with a key that does not consist of ${fields.join(", ")}.`,
      advice: "Deploy a build with the key as it was until all of its elements are read; then redrive the letter.",
    });
  };
}

function noKeyBy(keyBy: string): never {
  throw poisonError({
    code: "shuffle/no-key-by",
    message: `An element came through keyBy("${keyBy}"), which this build's stage does not have.`,
    advice: "Deploy a build that has it until all of its elements are read; then redrive the letter.",
  });
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
  if (!isPartialEntry(entry)) return 1;
  const records = (value as Partial<PartialAggregate> | null | undefined)?.records ?? 1;
  return Number.isSafeInteger(records) && records > 0 ? records : 1;
}
