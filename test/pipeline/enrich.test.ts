import { bigint, count, dynamoTable, kinesis, lake, pipeline, text, tumbling } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";

const orders = () =>
  kinesis("orders", {
    schema: z.object({ key: z.string(), n: z.number() }),
    key: { key: (o) => o.key },
    eventTime: (o) => o.n,
    disorder: {},
  });

test("an enrich that cannot be is refused when the pipeline is built, with the way out", () => {
  const lookup = {
    key: (o: { key: string }) => o.key,
    call: async (key: string) => key,
    with: (_o: unknown, name: string | undefined) => ({ name: name ?? "" }),
  };
  const build = (use: (flow: Parameters<Parameters<typeof pipeline>[1]>[0]) => void) => () => pipeline("p", use);
  const sink = () => lake("names", { name: text });
  const cases: [make: () => unknown, message: RegExp][] = [
    [
      build((flow) => {
        flow
          .from(orders())
          .byKey.process("stateful", {
            *onRecord(o) {
              yield o;
            },
          })
          .map("same", (o) => o)
          .enrich("late", lookup)
          .to(sink());
      }),
      /enrich\("late"\) comes after the process function "stateful".*Enrich before "stateful", or put a keyBy between/,
    ],
    [
      build((flow) => {
        const window = flow
          .from(orders())
          .byKey.window("w", tumbling({ days: 1 }))
          .aggregate({ n: count() });
        window.late.enrich("late", lookup).to(sink());
      }),
      /comes after the window "w"/,
    ],
    [
      build((flow) => {
        flow
          .from(orders())
          .byKey.deduplicate("once", { id: (o) => o.n, within: { days: 1 } })
          .enrich("late", lookup)
          .to(sink());
      }),
      /comes after the deduplicate "once"/,
    ],
    [
      build((flow) => void flow.from(orders()).enrich("e", { key: lookup.key, with: lookup.with } as never)),
      /needs either a call or a table/,
    ],
    [
      build((flow) => void flow.from(orders()).enrich("e", { ...lookup, concurrency: 0 })),
      /enrich\("e"\).concurrency is 0/,
    ],
    [build((flow) => void flow.from(orders()).enrich("e", { ...lookup, timeout: {} })), /enrich\("e"\).timeout/],
    [
      build((flow) => void flow.from(orders()).enrich("e", { ...lookup, cache: { entries: 0.5, ttl: { days: 1 } } })),
      /cache.entries is 0.5/,
    ],
    [
      build((flow) => void flow.from(orders()).enrich("e", { ...lookup, onFailure: "ignore" as never })),
      /onFailure is unknown/,
    ],
    [() => dynamoTable("t", { key: "id", schema: {} as never }), /not a Standard Schema/],
  ];
  for (const [make, message] of cases) {
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ kind: "definition" }));
  }
  expect(
    build((flow) => {
      flow
        .from(orders())
        .byKey.process("stateful", {
          *onRecord(o) {
            yield o;
          },
        })
        .keyBy("again", { n: (o) => o.n })
        .enrich("fresh", lookup)
        .to(sink());
    }),
  ).not.toThrow();
});

test("wrong uses do not compile", () => {
  const use = () =>
    pipeline("p", (flow) => {
      const stream = flow.from(orders());
      const table = dynamoTable("articles", { key: "id", schema: z.object({ id: z.string() }) });
      const found = stream.enrich("a", { key: (o) => o.key, table, with: (o, row) => ({ n: o.n, row }) });
      // @ts-expect-error -- a row that the sink has no column for
      found.to(lake("x", { n: bigint }));
      // @ts-expect-error -- what is found may be nothing
      stream.enrich("b", { key: (o) => o.key, table, with: (_o, found) => ({ name: found.id }) });
      // @ts-expect-error -- the call takes another key
      stream.enrich("c", { key: (o) => o.n, call: async (key: string) => key, with: (o) => o });
      // @ts-expect-error -- a DynamoDB table has no keys that are booleans
      stream.enrich("d", { key: () => true, table, with: (o) => o });
    });
  expect(use).toBeTypeOf("function");
});
