import { poisonError, systemicError } from "../../errors.ts";
import type { ProducerNews } from "../../state/producers.ts";
import { tracesIn, type Traceparent } from "../../state/traceparent.ts";
import { hasTags, untag } from "../../state/value-text.ts";
import { BEFORE_ALL_TIME, END_OF_TIME } from "../../time/instant.ts";

/** One value on its way to another stage. */
export interface Element {
  /** Its output's index in the producer's commit. */
  readonly index: number;
  readonly time: number;
  readonly keyCode: string;
  readonly value: unknown;
  readonly traces: readonly Traceparent[];
}

/** What a record of an internal stream says: values of one key group and entry, or news of a producer. */
export type Pack = { readonly producer: string; readonly epoch: number } & (
  | { readonly kind: "elements"; readonly entry: string; readonly elements: readonly Element[] }
  | { readonly kind: "news"; readonly news: ProducerNews }
);

/** The format of packs that this build writes. */
const VERSION = 1;

/**
 * A pack of elements.
 *
 * @param elements each an output's index and its text: `[time, key code, value]`, or `[time, key code, value, traces]`
 */
export function elementsText(
  producer: string,
  epoch: number,
  entry: string,
  elements: readonly (readonly [index: number, text: string])[],
): string {
  const items = elements.map(([index, text]) => `[${index},${text.slice(1)}`);
  return `${elementsHead(producer, epoch, entry)}${items.join()}${ELEMENTS_END}`;
}

/** What comes before a pack's elements. */
export const elementsHead = (producer: string, epoch: number, entry: string): string =>
  `{"v":${VERSION},"p":${JSON.stringify(producer)},"e":${epoch},"k":${JSON.stringify(entry)},"r":[`;

/** What comes after them. */
export const ELEMENTS_END = "]}";

/** A pack of news. @param news as {@link newsText} wrote it */
export const newsPackText = (producer: string, epoch: number, news: string): string =>
  `{"v":${VERSION},"p":${JSON.stringify(producer)},"e":${epoch},"n":${news}}`;

interface NewsJson {
  readonly w: number | null | "end";
  readonly idle?: true;
  readonly roots?: readonly string[];
  readonly heirs?: readonly string[];
}

/** News as a commit has them among its outputs: how they begin tells them from elements. */
export function newsText({ watermark, isIdle, roots, heirs }: ProducerNews): string {
  const w = watermark === BEFORE_ALL_TIME ? null : watermark === END_OF_TIME ? "end" : watermark;
  return JSON.stringify({
    w,
    ...(isIdle && { idle: true }),
    ...(roots && { roots }),
    ...(heirs && { heirs }),
  } satisfies NewsJson);
}

/** Whether an output's text is news, and no element. */
export const isNews = (text: string): boolean => text.startsWith("{");

/**
 * Reads a record of an internal stream. Nobody but this library writes there.
 *
 * @throws poison error `shuffle/pack` for what is no pack; systemic error `shuffle/version` for a later build's
 */
export function parsePack(json: string): Pack {
  let pack: Readonly<Record<"v" | "p" | "e" | "k" | "r" | "n", unknown>>;
  try {
    pack = JSON.parse(json) as typeof pack;
  } catch (cause) {
    throw noPack("is no JSON", cause);
  }
  if (typeof pack !== "object" || pack === null) throw noPack("is no object");
  const { v, p: producer, e: epoch, k: entry, r: elements, n: news } = pack;
  if (v !== VERSION) throw otherVersion(v);
  if (typeof producer !== "string" || !Number.isSafeInteger(epoch)) throw noPack("does not say whose it is");
  const of = { producer, epoch: epoch as number };
  if (news !== undefined) return { ...of, kind: "news", news: newsOf(news) };
  if (typeof entry !== "string" || !Array.isArray(elements)) throw noPack("holds neither elements nor news");
  const valueOf = hasTags(json) ? untag : asIs;
  return { ...of, kind: "elements", entry, elements: elements.map((element) => elementOf(element, valueOf)) };
}

const asIs = (value: unknown): unknown => value;

function elementOf(json: unknown, valueOf: (json: unknown) => unknown): Element {
  const [index, time, keyCode, value, traces] = Array.isArray(json) ? (json as unknown[]) : [];
  if (!Number.isSafeInteger(index) || (index as number) < 0) throw noPack("has an element without an index");
  if (!Number.isSafeInteger(time) || typeof keyCode !== "string") throw noPack("has an element without time or key");
  try {
    return { index: index as number, time: time as number, keyCode, value: valueOf(value), traces: tracesIn(traces) };
  } catch (cause) {
    throw noPack("has an element whose value does not decode", cause);
  }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

function newsOf(json: unknown): ProducerNews {
  if (typeof json !== "object" || json === null) throw noPack("has news that are none");
  const { w, idle, roots, heirs } = json as Partial<Record<keyof NewsJson, unknown>>;
  const watermark = w === null ? BEFORE_ALL_TIME : w === "end" ? END_OF_TIME : w;
  if (!Number.isSafeInteger(watermark)) throw noPack("has news without a watermark");
  if ((roots !== undefined && !isTexts(roots)) || (heirs !== undefined && !isTexts(heirs))) {
    throw noPack("names tasks that are none");
  }
  return {
    watermark: watermark as number,
    isIdle: idle === true,
    ...(roots && { roots }),
    ...(heirs && { heirs }),
  };
}

const otherVersion = (version: unknown) =>
  systemicError({
    code: "shuffle/version",
    message: `A record of an internal stream has format ${JSON.stringify(version) ?? "none"}; this build reads ${VERSION}.`,
    advice: "Deploy the build that wrote it, or a later one.",
  });

const noPack = (how: string, cause?: unknown) =>
  poisonError({
    code: "shuffle/pack",
    message: `A record of an internal stream ${how}.`,
    advice: "Only stages of the pipeline may write to internal streams.",
    cause,
  });
