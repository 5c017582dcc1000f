import { escaped, figure, round } from "./plot.ts";
import { shown } from "./statistics.ts";

/** A bar, from nothing to its value. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  /** A thin line from the least to the most that was measured. */
  readonly least: number;
  readonly most: number;
  readonly colour: string;
}

export interface BarPlot {
  readonly title: string;
  readonly x: string;
  readonly bars: readonly Bar[];
  /** What the colours stand for, if their labels do not say it. */
  readonly legend?: readonly { readonly name: string; readonly colour: string }[];
}

const WIDTH = 900;
const FRAME = { left: 240, right: 70, top: 50, bottom: 60 };
/** Height of a bar with what is around it, and of the bar. */
const [PITCH, THICK] = [24, 15];
/** Width of a column of the legend, and height of its line. */
const [COLUMN, LINE] = [210, 24];

/** An SVG of bars that lie one below the other, on an axis from nought. In the style of `logPlot`. */
export function barPlot({ title, x, bars, legend = [] }: BarPlot): string {
  if (bars.some(({ value, least, most }) => !(least <= value && value <= most)))
    throw new RangeError(`"${title}" has a value that is not between its least and its most.`);
  const bottom = FRAME.top + bars.length * PITCH + 8;
  const height = bottom + FRAME.bottom + (legend.length > 0 ? LINE : 0);
  const step = stepOf(Math.max(...bars.map(({ most }) => most)));
  const ticks = Array.from(
    { length: Math.ceil(Math.max(...bars.map(({ most }) => most)) / step) + 1 },
    (_, i) => i * step,
  );
  const across = (value: number) =>
    round(FRAME.left + (Math.max(value, 0) / ticks.at(-1)!) * (WIDTH - FRAME.left - FRAME.right));
  const verticals = ticks.map(
    (tick) => `<path d="M${across(tick)} ${FRAME.top}V${bottom}" stroke="#ddd"/>
<text x="${across(tick)}" y="${bottom + 20}" text-anchor="middle">${figure(tick)}</text>`,
  );
  const shapes = bars.map(({ label, value, least, most, colour }, i) => {
    const middle = FRAME.top + 4 + (i + 0.5) * PITCH;
    return `<text x="${FRAME.left - 8}" y="${middle + 4}" text-anchor="end">${escaped(label)}</text>
<rect x="${FRAME.left}" y="${middle - THICK / 2}" width="${round(across(value) - FRAME.left)}" height="${THICK}" fill="${colour}" fill-opacity="0.75"/>
<path d="M${across(least)} ${middle}H${across(most)}" stroke="#000" stroke-width="1.5"/>
<text x="${round(across(most) + 6)}" y="${middle + 4}">${shown(value)}</text>`;
  });
  const keys = legend.map(({ name, colour }, i) => {
    const [left, top] = [FRAME.left + i * COLUMN, bottom + 70];
    return `<rect x="${left}" y="${top - 9}" width="18" height="10" fill="${colour}" fill-opacity="0.75"/>
<text x="${left + 26}" y="${top}">${escaped(name)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="${WIDTH / 2}" y="26" text-anchor="middle" font-size="16">${escaped(title)}</text>
${[...verticals, ...shapes].join("\n")}
<text x="${(FRAME.left + WIDTH - FRAME.right) / 2}" y="${bottom + 42}" text-anchor="middle">${escaped(x)}</text>
${keys.join("\n")}
</svg>
`;
}

/** 1, 2 or 5 times a power of ten, so that there are at most ten steps. */
function stepOf(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most / 10));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => most / step <= 10)!;
}
