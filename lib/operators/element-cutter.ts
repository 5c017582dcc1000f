import type { CutText } from "../state/cut-text.ts";
import { quoted } from "../state/quoted-text.ts";
import { formOf, piecesOf, putTexts, type ValueForm } from "../state/value-form.ts";
import { encodeValue } from "../state/value-text.ts";
import { elementText } from "./element.ts";

/** Forms beyond these are not looked for, as each takes time for every value. */
const MOST_FORMS = 8;

/** So often a value's form is made: values that have none, or one each, are not asked for theirs for ever. */
const MOST_ATTEMPTS = 16;

/** A value of no known form weighs this much against one that has one: its texts are made in vain, perhaps form by form. */
const MISS = 8;
/** Beyond so much weight values are not cut for a while. */
const TOO_MUCH = 64;
/** Values of such a while. */
const REST = 4_096;

/** The group, the time and the key come before what is the value's. */
const BEFORE_VALUE = 3;

/** A form of values, and what elements that hold one have in common. */
interface KnownForm {
  readonly form: ValueForm;
  readonly pieces: readonly string[];
}

/**
 * Makes the elements of one entry, as `elementText` does: cut where their values are like others before them, since who puts a
 * text together knows where its parts are.
 */
export class ElementCutter {
  readonly #entry: string;
  readonly #known: KnownForm[] = [];
  /** Of the value before. */
  #last: KnownForm | undefined = undefined;
  #attempts = 0;
  #misses = 0;
  #rest = 0;

  constructor(entry: string) {
    this.#entry = entry;
  }

  /** @param holder names what the value is of, in the error @throws poison error `state/not-storable` */
  elementOf(group: number, time: number, keyCode: string, value: unknown, holder: string): string | CutText {
    if (this.#rest > 0) this.#rest--;
    else {
      const cut = this.#cut(group, time, keyCode, value);
      this.#weigh(cut !== undefined);
      if (cut !== undefined) return cut;
    }
    return elementText(group, this.#entry, time, keyCode, encodeValue(value, holder));
  }

  #cut(group: number, time: number, keyCode: string, value: unknown): CutText | undefined {
    const last = this.#last;
    const cut = last && cutBy(last, group, time, keyCode, value);
    if (cut !== undefined) return cut;
    for (const known of this.#known) {
      const other = known === last ? undefined : cutBy(known, group, time, keyCode, value);
      if (other === undefined) continue;
      this.#last = known;
      return other;
    }
    const made = this.#knownOf(value);
    return made && cutBy(made, group, time, keyCode, value);
  }

  #weigh(isCut: boolean): void {
    this.#misses = isCut ? Math.max(0, this.#misses - 1) : this.#misses + MISS;
    if (this.#misses <= TOO_MUCH) return;
    this.#misses = 0;
    this.#rest = REST;
  }

  #knownOf(value: unknown): KnownForm | undefined {
    if (this.#known.length === MOST_FORMS || this.#attempts === MOST_ATTEMPTS) return undefined;
    this.#attempts++;
    const form = formOf(value);
    if (form === undefined) return undefined;
    const [first, ...others] = piecesOf(form);
    const pieces = ["", ` ${this.#entry} [`, ",", `,${first!}`, ...others];
    pieces.push(`${pieces.pop()!}]`);
    const known = { form, pieces };
    this.#known.push(known);
    this.#last = known;
    return known;
  }
}

function cutBy(
  { form, pieces }: KnownForm,
  group: number,
  time: number,
  keyCode: string,
  value: unknown,
): CutText | undefined {
  // As long as it becomes: one that grows has room for many more.
  const values = new Array<string>(pieces.length - 1);
  if (putTexts(form, value, values, BEFORE_VALUE) < 0) return undefined;
  values[0] = String(group);
  values[1] = String(time);
  values[2] = quoted(keyCode);
  return { pieces, values };
}
