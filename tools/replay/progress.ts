import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { UsageError } from "../run-tool.ts";

/** How far a replay is: all before this place were taken. */
export interface Place {
  readonly key: string;
  /** Lines or rows of it that were taken. */
  readonly index: number;
}

interface Noted {
  /** What is replayed, and where to: a file of another replay is refused. */
  readonly replay: string;
  readonly place: Place | undefined;
  readonly isDone: boolean;
}

/** Where a replay notes how far it is, so that another run goes on from there. */
export class Progress {
  readonly #file: string;
  #noted: Noted;

  /** @param replay names what is replayed, and where to @throws UsageError for the file of another one */
  constructor(file: string, replay: string) {
    this.#file = file;
    this.#noted = existsSync(file) ? read(file, replay) : { replay, place: undefined, isDone: false };
  }

  get place(): Place | undefined {
    return this.#noted.place;
  }

  get isDone(): boolean {
    return this.#noted.isDone;
  }

  note(place: Place | undefined, isDone = false): void {
    this.#noted = { ...this.#noted, place, isDone };
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.#noted));
    renameSync(`${this.#file}.new`, this.#file); // whole, or as it was
  }
}

function read(file: string, replay: string): Noted {
  let noted: Partial<Noted> | undefined;
  try {
    noted = JSON.parse(readFileSync(file, "utf8")) as Noted;
  } catch {
    noted = undefined;
  }
  if (noted?.replay === replay) return noted as Noted;
  throw new UsageError(`${file} is of another replay (${noted?.replay ?? "unreadable"}): name another --progress.`);
}
