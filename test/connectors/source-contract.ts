import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SourceConnector } from "../../lib/connectors/source-connector.ts";
import { MillraceError } from "../../lib/errors.ts";
import type { Address } from "../../lib/plan/bindings.ts";
import { compareSequences } from "../../lib/state/position.ts";

/** A record as its producer has it. */
export interface ProducedRecord {
  readonly sequence: string;
  readonly key: string;
  readonly text: string;
  /** Epoch milliseconds. */
  readonly arrival: number;
}

/** A connector, and how its mapping writes events. */
export interface SourceUnderTest {
  readonly connector: SourceConnector;
  readonly address: Address;
  /** What else may invoke the function: events of the same system, and of another stream or topic. */
  readonly foreignAddresses: readonly Address[];
  /** Two partitions' names. */
  readonly partitions: readonly [string, string];
  /** An event of a mapping of this address. @param records with their partitions, in the order in which the event has them */
  eventOf(address: Address, records: readonly (readonly [partition: string, record: ProducedRecord])[]): object;
  /** What Lambda calls a record in a partial answer. */
  itemOf(partition: string, sequence: string): unknown;
  /** Whether an event is of one partition, which it does not name: then the first's records alone are in it. */
  readonly isOfOnePartition?: true;
  /** Whether a partition's first position is 0. */
  readonly hasZero?: true;
  /** What the runtime has of a record's content, where it is not the text alone. */
  payloadOf?(record: ProducedRecord): string;
  /** The partition key that the runtime has of a record. @default its key */
  partitionKeyOf?(record: ProducedRecord): string;
}

const recordOf = (sequence: number, text = "{}"): ProducedRecord => ({
  sequence: String(sequence),
  key: `key ${sequence} é`,
  text,
  arrival: 1_700_000_000_000 + sequence,
});

/**
 * What every source keeps to whose records have positions: the runtime rests on it, whatever the system. Of sources without order,
 * which promise less, it is `unorderedContract` (unordered-contract.ts).
 */
export function sourceContract(name: string, source: SourceUnderTest): void {
  const { connector, address, partitions, itemOf, isOfOnePartition = false } = source;
  const { payloadOf = ({ text }) => text, partitionKeyOf = ({ key }) => key } = source;
  const [a, b] = partitions;
  type Records = Parameters<SourceUnderTest["eventOf"]>[1];
  const inOneEvent = (records: Records) => (isOfOnePartition ? records.filter(([of]) => of === a) : records);
  const eventOf = (of: Address, records: Records) => source.eventOf(of, inOneEvent(records));
  const read = (event: object, from = address) => connector.recordsOf(event, from);

  describe(`${name}, as a source`, () => {
    test("an event's records are those of its partitions, each in its order, whole", () => {
      const event = eventOf(address, [
        [a, recordOf(7, '{"n":7}')],
        [b, recordOf(3)],
        [a, recordOf(8)],
        [a, recordOf(12)],
      ]);
      expect(connector.isEvent(event)).toBe(true);
      const found = read(event);
      if (!isOfOnePartition) expect(found.map(({ partition }) => partition).toSorted()).toEqual([a, b].toSorted());
      expect(found).toHaveLength(isOfOnePartition ? 1 : 2);
      const ofA = found.find(({ partition }) => isOfOnePartition || partition === a)!.records;
      expect(ofA.map(({ position }) => position)).toEqual(["7", "8", "12"].map((sequence) => ({ sequence, index: 0 })));
      const produced = recordOf(7, '{"n":7}');
      expect(Buffer.from(ofA[0]!.base64, "base64").toString()).toBe(payloadOf(produced));
      expect(ofA[0]).toMatchObject({ arrival: produced.arrival, partitionKey: partitionKeyOf(produced) });
    });

    test("positions are decimal texts, and rise as the partition does, beyond what digits' order says", () => {
      fc.assert(
        fc.property(fc.uniqueArray(fc.nat(), { minLength: 1 }), (numbers) => {
          // Kafka's first offset is 0; a sequence number is none.
          const first = source.hasZero === true ? 0 : 1;
          const sorted = numbers.map((n) => n + first).toSorted((x, y) => x - y);
          const [only] = read(
            eventOf(
              address,
              sorted.map((n) => [a, recordOf(n)]),
            ),
          );
          const sequences = only!.records.map(({ position }) => position.sequence);
          expect(sequences).toEqual(sorted.map(String));
          for (const [i, sequence] of sequences.entries())
            if (i > 0) expect(compareSequences(sequences[i - 1]!, sequence)).toBeLessThan(0);
        }),
        { numRuns: 30 },
      );
    });

    test("a partition's records that do not ascend are refused", () => {
      const event = eventOf(address, [
        [a, recordOf(8)],
        [a, recordOf(7)],
      ]);
      expect(() => read(event)).toThrow(
        expect.objectContaining({ kind: "systemic", code: expect.stringMatching("/order$") }),
      );
    });

    test("a partition that fails comes again from its first record on, by the name that Lambda has for it", () => {
      const event = eventOf(address, [
        [a, recordOf(7)],
        [b, recordOf(3)],
        [b, recordOf(4)],
      ]);
      const items = read(event).map((partition) => connector.itemOf(partition, address));
      const expected = isOfOnePartition ? [itemOf(a, "7")] : [itemOf(a, "7"), itemOf(b, "3")];
      expect(items).toEqual(expect.arrayContaining(expected));
      expect(items).toHaveLength(expected.length);
    });

    test("events of another stream are refused, loudly", () => {
      for (const foreign of source.foreignAddresses) {
        const event = eventOf(foreign, [[a, recordOf(7)]]);
        expect(() => read(event)).toThrow(
          expect.objectContaining({ kind: "systemic", code: expect.stringMatching("/other-") }),
        );
      }
    });

    test("events of other systems, and what is none, are not its own", () => {
      const others = [null, undefined, 1, "x", [], {}, { Records: [] }, { records: null }, { Records: [null] }];
      const sqs = { Records: [{ messageId: "m", receiptHandle: "h", body: "{}", eventSource: "aws:sqs" }] };
      for (const event of [...others, sqs]) expect(connector.isEvent(event)).toBe(false);
    });

    test("an event that was changed anywhere is read as it is, or refused as systemic: never a record less, never another error", () => {
      const records: [string, ProducedRecord][] = [
        [a, recordOf(7)],
        [b, recordOf(3)],
        [a, recordOf(8)],
      ];
      const leaves = pathsOf(eventOf(address, records));
      fc.assert(
        fc.property(fc.constantFrom(...leaves), fc.jsonValue(), (path, value) => {
          const event = eventOf(address, records);
          const last = path.at(-1)!;
          const holder = path.slice(0, -1).reduce((at, key) => (at as never)[key], event);
          Object.defineProperty(holder, last, { value, enumerable: true, writable: true, configurable: true });
          if (!connector.isEvent(event)) return; // the handler refuses it
          try {
            const found = read(event).flatMap((partition) => partition.records);
            if (isWithinRecord(path)) expect(found).toHaveLength(inOneEvent(records).length);
            for (const { position, arrival } of found) {
              expect(position.sequence).toMatch(/^(0|[1-9]\d*)$/);
              expect(arrival).toBeGreaterThanOrEqual(0);
            }
          } catch (thrown) {
            if (!(thrown instanceof MillraceError)) throw thrown;
            expect(thrown.kind).toBe("systemic");
          }
        }),
        { numRuns: 2_000 },
      );
    });
  });
}

/** Whether a change left the event's lists of records as they were: it was made within a record. */
const isWithinRecord = (path: readonly string[]): boolean =>
  path.some((key) => /^\d+$/.test(key)) && !/^\d+$/.test(path.at(-1)!);

/** Every place in a value. */
function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return path.length === 0 ? [] : [[...path]];
  const within = Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]));
  return path.length === 0 ? within : [[...path], ...within];
}
