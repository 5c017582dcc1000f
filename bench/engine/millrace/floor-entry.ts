import { marker } from "../../harness/mark.ts";
import { linesOf } from "./lines.ts";
import type { Shape } from "./turns.ts";

// A child's program: SHAPE INPUT. The least that any JavaScript must do to see the events: parse them, and add up one field.
const [shape, input] = process.argv.slice(2) as [Shape, string];

interface Envelope {
  readonly Records: readonly { readonly kinesis: { readonly data: string } }[];
}

const mark = marker();
let records = 0;
let delay = 0;
const take = (payload: string): void => {
  records++;
  delay += (JSON.parse(payload) as { readonly delay: number }).delay;
  mark(records);
};
for (const line of linesOf(input)) {
  const text = line.toString("utf8");
  if (shape === "text") take(text);
  else
    for (const { kinesis } of (JSON.parse(text) as Envelope).Records)
      take(Buffer.from(kinesis.data, "base64").toString("utf8"));
}
console.log(JSON.stringify({ records, delay }));
