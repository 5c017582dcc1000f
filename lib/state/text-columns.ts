import { areSamePieces, type CutText } from "./cut-text.ts";

/**
 * Texts that are alike but for their values, as rows of one sink are: what they have in common is written once, and values
 * by column, where they are like those before them. Exact for all texts: a form's pieces and a text's values between them are
 * the text, wherever the values were cut.
 */
export type TextColumns = readonly [
  forms: readonly (TextForm | LooseTexts)[],
  /** The form of the first texts and how many these are, of the next ones, and so on. */
  runs: readonly number[],
];

/** The pieces before, between and after the values; and by column the values of all texts, a line each. */
type TextForm = readonly [pieces: readonly string[], columns: readonly string[]];

/** Texts that are like no others. */
type LooseTexts = readonly [pieces: null, texts: readonly string[]];

/** Forms beyond these are not looked for, as each takes time for every text. */
const MOST_FORMS = 8;

/** A text with more values is as good as like no others. */
const MOST_VALUES = 64;

/** A longer text is like no others: a choice in a repetition, as below, exhausts the stack of regular expressions at one long value. */
const LONGEST = 64 * 1_024;

const LINE_END = "\n";

/** A name, which is a part of the form, or a value of JSON. */
const NAME_OR_VALUE = /"(?:[^"\\]|\\.)*"\s*:|("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null)/g;

/** A text, and how it is cut, where that is known. */
interface Text {
  /** Of one that is cut it has to be put together, which is done for those alone that no form takes. */
  readonly body: string;
  readonly cut?: CutText | undefined;
}

/** Texts as columns; {@link textsOf} has them back. */
export function columnsOf(texts: readonly Text[]): TextColumns {
  const forms: Form[] = [];
  const loose: string[] = [];
  const places: number[] = [];
  let last: Form | undefined;
  for (const text of texts) {
    if (last?.take(text) !== true) last = formFor(text, forms);
    if (last === undefined) loose.push(text.body);
    places.push(last === undefined ? -1 : forms.indexOf(last));
  }
  const written = forms.map((form) => form.written());
  return [loose.length === 0 ? written : [...written, [null, loose]], runsOf(places, forms.length)];
}

/** The form that has taken a text, among those that there are or a new one; nothing where it is like no others. */
function formFor(text: Text, forms: Form[]): Form | undefined {
  const { cut } = text;
  // A line's end in a value would be taken for the end of the value.
  if (cut === undefined && (text.body.length > LONGEST || text.body.includes(LINE_END))) return undefined;
  const known = forms.find((form) => form.take(text));
  if (known !== undefined || forms.length === MOST_FORMS) return known;
  const pieces = cut?.pieces ?? piecesOf(text.body);
  if (pieces.length > MOST_VALUES + 1) return undefined;
  const form = new Form(pieces);
  form.take(text);
  forms.push(form);
  return form;
}

function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  let at = 0;
  for (const { index, 0: found, 1: value } of text.matchAll(NAME_OR_VALUE)) {
    if (value === undefined) continue;
    pieces.push(text.slice(at, index));
    at = index + found.length;
    if (pieces.length > MOST_VALUES) break;
  }
  return [...pieces, text.slice(at)];
}

class Form {
  readonly #pieces: readonly string[];
  /** The values of every text: columns are made of them once all are known. */
  readonly #rows: (readonly string[])[] = [];
  /** Of the text at work; used again for every one. */
  readonly #values: string[];

  constructor(pieces: readonly string[]) {
    this.#pieces = pieces;
    this.#values = pieces.slice(1);
  }

  /** Takes the values of a text that has the form. @returns whether it has */
  take(text: Text): boolean {
    const { cut } = text;
    if (cut === undefined) return this.#find(text.body);
    if (!areSamePieces(cut.pieces, this.#pieces)) return false;
    this.#rows.push(cut.values);
    return true;
  }

  #find(text: string): boolean {
    const pieces = this.#pieces;
    const values = this.#values;
    const first = pieces[0]!;
    const end = text.length - pieces.at(-1)!.length;
    if (values.length === 0 ? text !== first : !text.startsWith(first)) return false;
    let at = first.length;
    for (let i = 0; i < values.length; i++) {
      let next = i === values.length - 1 ? end : at + values[i]!.length; // most are as long as the one before
      if (!text.startsWith(pieces[i + 1]!, next)) next = text.indexOf(pieces[i + 1]!, at);
      if (next < at) return false; // -1 too
      values[i] = text.slice(at, next);
      at = next + pieces[i + 1]!.length;
    }
    if (at !== text.length || text.includes(LINE_END)) return false;
    this.#rows.push([...values]);
    return true;
  }

  written(): TextForm {
    return [this.#pieces, this.#values.map((_, i) => this.#rows.map((values) => values[i]).join(LINE_END))];
  }
}

function runsOf(places: readonly number[], loose: number): readonly number[] {
  const runs: number[] = [];
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!;
    if (i > 0 && place === places[i - 1]) runs[runs.length - 1]!++;
    else runs.push(place < 0 ? loose : place, 1);
  }
  return runs;
}

/**
 * The texts that columns were made of.
 *
 * @param mostUnits UTF-16 units that all of them may take, and one for each
 * @returns undefined for what {@link columnsOf} does not make
 */
export function textsOf(columns: unknown, mostUnits: number): readonly string[] | undefined {
  if (!Array.isArray(columns) || columns.length !== 2) return undefined;
  const [forms, runs] = columns as readonly unknown[];
  if (!Array.isArray(forms) || !isRuns(runs)) return undefined;
  const readers = forms.map(readerOf);
  const texts: string[] = [];
  let units = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const read = readers[runs[i]!];
    for (let left = runs[i + 1]!; left > 0; left--) {
      const text = read?.();
      if (text === undefined || (units += text.length + 1) > mostUnits) return undefined;
      texts.push(text);
    }
  }
  return texts;
}

/** What gives a form's texts one after the other; undefined when there are no more, or when they are no texts. */
function readerOf(form: unknown): () => string | undefined {
  const none = () => undefined;
  if (!Array.isArray(form) || form.length !== 2) return none;
  const [pieces, columns] = form as readonly unknown[];
  if (!isTexts(columns)) return none;
  let row = 0;
  if (pieces === null) return () => columns[row++];
  if (!isTexts(pieces) || pieces.length !== columns.length + 1) return none;
  const values = columns.map((column) => column.split(LINE_END));
  return () => {
    let text = pieces[0]!;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]![row];
      if (value === undefined) return undefined;
      text += value + pieces[i + 1]!;
    }
    row++;
    return text;
  };
}

const isRuns = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.length % 2 === 0 && value.every(Number.isSafeInteger);

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");
