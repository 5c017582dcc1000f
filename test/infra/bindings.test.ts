import { kinesis, lake, pipeline, text, timestamp, MillraceError } from "millrace";
import type { MappingSettings } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { BINDINGS_VARIABLE, readBindings, type Bindings } from "../../lib/plan/bindings.ts";
import { ofType, plain, provisioned } from "./synthesized.ts";

const clicks = kinesis("clicks", {
  schema: z.object({ page: z.string(), at: z.number() }),
  eventTime: (click) => click.at,
  disorder: { minutes: 1 },
});
const stateless = pipeline(
  "stateless",
  (flow) => void flow.from(clicks).to(lake("pages", { page: text, at: timestamp })),
);

/** What the function of a stage with these settings is told. */
function bindingsWith(mapping: MappingSettings): Bindings {
  const [target] = ofType(provisioned(stateless, { mapping }), "AWS::Lambda::Function");
  const { Variables } = target!.Properties["Environment"] as { readonly Variables: Readonly<Record<string, unknown>> };
  return readBindings({ [BINDINGS_VARIABLE]: plain(Variables[BINDINGS_VARIABLE]) });
}

describe("X7: a record that comes alone is suspected when a healthy mapping would have brought it long before", () => {
  test.each([
    [0, 30_000],
    [5, 40_000],
    [300, 630_000],
  ])("with a batching window of %i s after %i ms", (seconds, millis) => {
    expect(bindingsWith({ batchingWindow: { seconds } }).source.suspectAfterMillis).toBe(millis);
  });
});

describe("bindings that the construct did not write are refused by the field", () => {
  const right = bindingsWith({});
  const refusal = (changed: unknown): MillraceError => {
    try {
      readBindings({ [BINDINGS_VARIABLE]: JSON.stringify(changed) });
    } catch (error) {
      if (error instanceof MillraceError) return error;
      throw error;
    }
    throw new Error("They were accepted.");
  };

  test.each<[field: string, changed: unknown]>([
    ["source.suspectAfterMillis", { ...right, source: { ...right.source, suspectAfterMillis: undefined } }],
    ["source.suspectAfterMillis", { ...right, source: { ...right.source, suspectAfterMillis: "40000" } }],
    ["source.suspectAfterMillis", { ...right, source: { ...right.source, suspectAfterMillis: -1 } }],
    ["source.suspectAfterMillis", { ...right, source: { ...right.source, suspectAfterMillis: 0.5 } }],
    ["source.incarnation", { ...right, source: { ...right.source, incarnation: null } }],
    ["source.connector", { ...right, source: { ...right.source, connector: "" } }],
    ["source.address", { ...right, source: { ...right.source, address: undefined } }],
    ["source.address.streamArn", { ...right, source: { ...right.source, address: { streamArn: "" } } }],
    ["sinks.pages", { ...right, sinks: { pages: 1 } }],
    ["sinks.pages.deliveryStream", { ...right, sinks: { pages: { deliveryStream: 1 } } }],
    ["tickQueues", { ...right, tickQueues: undefined }],
    ["lookupTables.articles", { ...right, lookupTables: { articles: "" } }],
    ["generation", { ...right, generation: undefined }],
    ["table", { ...right, table: undefined }],
  ])("%s", (field, changed) => {
    const { kind, code, message } = refusal(changed);
    expect([kind, code]).toEqual(["systemic", "bindings/invalid"]);
    expect(message).toContain(` for ${field}. `);
  });
});
