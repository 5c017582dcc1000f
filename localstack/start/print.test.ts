import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { MetricReader } from "./metrics.ts";
import { bytes, duration, percent, Printer } from "./print.ts";

test("numbers read well", () => {
  expect([bytes(0), bytes(1_023), bytes(1_536), bytes(3 * 2 ** 30)]).toEqual(["0 B", "1,023 B", "1.5 KB", "3.0 GB"]);
  expect([duration(12), duration(1_500), duration(150_000)]).toEqual(["12 ms", "1.5 s", "2.5 min"]);
  expect([percent(1, 200), percent(0, 0)]).toEqual(["0.50 %", "–"]);
});

describe("Printer", () => {
  const printed = (use: (printer: Printer) => void, properties: object = {}): string => {
    const out = Object.assign(new PassThrough(), properties);
    use(new Printer(out as unknown as NodeJS.WriteStream));
    return String(out.read());
  };

  test("numbers stand to the right, texts to the left", () => {
    expect(
      printed((printer) =>
        printer.table(
          ["name", "n"],
          [
            ["a", "1"],
            ["longer", "1,000"],
          ],
        ),
      ),
    ).toBe("  name         n\n  a            1\n  longer   1,000\n");
  });

  test("on a terminal the state of things is rewritten in place, and gone before the next line", () => {
    const text = printed(
      (printer) => {
        printer.status("one", 0);
        printer.status("two", 1);
        printer.line("end");
      },
      { isTTY: true, columns: 80 },
    );
    expect(text).toBe("  one\r\u001B[2K  two\r\u001B[2Kend\n");
  });

  test("elsewhere it is a line every five seconds", () => {
    const text = printed((printer) => {
      for (const at of [0, 1_000, 4_999, 5_000, 9_000]) printer.status(String(at), at);
    });
    expect(text).toBe("  0\n  5000\n");
  });
});

test("latencies are nearest-rank quantiles over all series; other namespaces are not ours", () => {
  const series = (namespace: string, samples: number[]) => ({
    namespace,
    name: "L",
    dimensions: {},
    count: samples.length,
    sum: 0,
    last: 0,
    max: 0,
    samples,
  });
  const reader = new MetricReader([
    series("Millrace", [5, 1, 3]),
    series("Millrace", [2, 4]),
    series("Other", [1_000]),
  ]);
  expect(reader.latency("L")).toEqual({ median: 3, p99: 5, samples: 5 });
  expect(reader.latency("None")).toBeUndefined();
});
