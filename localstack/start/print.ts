const integers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** 1234567 as 1,234,567. */
export const whole = (n: number): string => integers.format(n);

/** With as many decimals as asked for. */
export const decimal = (n: number, digits: number): string =>
  n.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

export const percent = (part: number, of: number): string => (of === 0 ? "–" : `${decimal((100 * part) / of, 2)} %`);

/** 1536 as 1.5 KB. */
export function bytes(n: number): string {
  const units = ["B", "KB", "MB", "GB"];
  const power = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log(n) / Math.log(1_024)));
  return `${decimal(n / 1_024 ** power, power === 0 ? 0 : 1)} ${units[power]!}`;
}

export const duration = (millis: number): string =>
  millis < 1_000
    ? `${whole(millis)} ms`
    : millis < 120_000
      ? `${decimal(millis / 1_000, 1)} s`
      : `${decimal(millis / 60_000, 1)} min`;

/** An instant of event time, to the minute. */
export const instant = (millis: number): string => new Date(millis).toISOString().slice(0, 16).replace("T", " ");

/** Where the report goes; the progress line is taken away before anything else is written. */
export class Printer {
  readonly #out: NodeJS.WriteStream;
  #status = false;
  #lastStatus = Number.NEGATIVE_INFINITY;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  line(text = ""): void {
    this.#clear();
    this.#out.write(`${text}\n`);
  }

  section(title: string): void {
    this.line();
    this.line(this.#out.isTTY ? `\u001B[1m${title}\u001B[0m` : title);
  }

  /** A fact: its name, what it is, and what there is to add. */
  fact(name: string, value: string, note = ""): void {
    this.line(`  ${name.padEnd(14)}  ${value}${note === "" ? "" : `  ${note}`}`);
  }

  /** Aligned columns; numbers, and what looks like one, to the right. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    const all = [head, ...rows];
    const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
    const right = head.map((_, i) => rows.every((row) => /^[-–$<]?[\d,.]*( %| ms)?$/.test(row[i] ?? "")));
    for (const row of all) {
      const cells = row.map((cell, i) => (right[i] === true ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)));
      this.line(`  ${cells.join("   ").trimEnd()}`);
    }
  }

  /** The state of things: in place on a terminal, else a line every few seconds. */
  status(text: string, now: number): void {
    if (this.#out.isTTY) {
      this.#clear();
      this.#out.write(`  ${text}`.slice(0, Math.max(20, this.#out.columns - 1)));
      this.#status = true;
    } else if (now - this.#lastStatus >= 5_000) {
      this.#lastStatus = now;
      this.#out.write(`  ${text}\n`);
    }
  }

  #clear(): void {
    if (!this.#status) return;
    this.#out.write("\r\u001B[2K");
    this.#status = false;
  }
}
