import type { Printer } from "../start/print.ts";

/** The checks of a run: each is printed with what was seen, and all count at the end. */
export class Checks {
  readonly #printer: Printer;
  readonly #failed: string[] = [];
  #passed = 0;

  constructor(printer: Printer) {
    this.#printer = printer;
  }

  /** @param seen what was seen, whether it is right or not */
  that(what: string, isSo: boolean, seen = ""): void {
    if (isSo) this.#passed += 1;
    else this.#failed.push(what);
    this.#printer.line(`  ${isSo ? "ok       " : "NOT RIGHT"}  ${what}${seen === "" ? "" : `: ${seen}`}`);
  }

  get passed(): number {
    return this.#passed;
  }

  get failed(): readonly string[] {
    return this.#failed;
  }
}
