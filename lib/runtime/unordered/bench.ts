import type { PoisonRecord } from "../../state/poison-record.ts";
import { TaskState } from "../../state/task-state.ts";
import { Fold } from "../fold.ts";
import type { IncomingUnit, Opened } from "../intake.ts";
import type { IncomingRecord } from "../record.ts";
import type { RunnableStage } from "../stage-runtime.ts";
import { recordId, toldId } from "./record-id.ts";

/** What records are folded on, in a process. Its state is counters and what was poison (X10): operators have none. */
export class Bench {
  readonly state = new TaskState();
  /** Of the record at work: a fold says in a dead letter what stands here then. */
  readonly origin: { pipeline: string; stage: string; task: string; partition: string };
  readonly fold: Fold;

  constructor(
    { stage, build }: { readonly stage: RunnableStage; readonly build: string },
    poison?: ReturnType<PoisonRecord["snapshot"]>,
  ) {
    const { pipeline, program, source, intake, poisonShare } = stage;
    this.origin = { pipeline, stage: stage.stage, task: `${pipeline}:${stage.stage}`, partition: "" };
    if (poison !== undefined) this.state.poison.restore(poison);
    this.fold = new Fold({ origin: this.origin, program, source, intake, poisonShare, build }, this.state);
  }
}

/** A record as it is folded: opened once, though it is looked at twice, and known by the id that the pipeline says it has. */
export class RecordUnit implements IncomingUnit {
  readonly records = 1;
  readonly #record: IncomingRecord;
  readonly #unit: IncomingUnit;
  readonly #told: ((value: unknown) => unknown) | undefined;
  #opened: { readonly value: Opened; readonly id: string } | { readonly thrown: unknown } | undefined;

  constructor(record: IncomingRecord, unit: IncomingUnit, idOf: ((value: never) => unknown) | undefined) {
    this.#record = record;
    this.#unit = unit;
    this.#told = idOf as ((value: unknown) => unknown) | undefined;
  }

  /** Of what cannot be read it is the source's own. */
  get id(): string {
    const opened = this.#open();
    return "id" in opened ? opened.id : recordId(this.#record.partitionKey);
  }

  get entry(): string {
    return this.#unit.entry;
  }

  open(): Opened {
    const opened = this.#open();
    if ("thrown" in opened) throw opened.thrown;
    return opened.value;
  }

  record(): IncomingRecord {
    return this.#record;
  }

  #open() {
    return (this.#opened ??= this.#tried());
  }

  #tried() {
    try {
      const value = this.#unit.open();
      const id = this.#told === undefined ? recordId(this.#record.partitionKey) : toldId(this.#told(value.value));
      return { value, id };
    } catch (thrown) {
      return { thrown };
    }
  }
}

/** What is a dead letter, unseen. */
export const condemned = (record: IncomingRecord, entry: string, thrown: unknown): IncomingUnit => ({
  entry,
  records: 1,
  open: () => {
    throw thrown;
  },
  record: () => record,
});
