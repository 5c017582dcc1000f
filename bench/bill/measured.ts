/** Means of one turn, by how many events it was given. */
export interface TurnFigures {
  readonly events: number;
  /** Of the process, with the client's and the parsing of Lambda's event. */
  readonly cpuMillis: number;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly s3Puts: number;
  readonly s3Gets: number;
  readonly sqsRequests: number;
  /** Rounded up to 5 KB a record. */
  readonly firehoseKilobytes: number;
  /** Of the commit: in the changelog, or beside it on S3 where it is spilled. */
  readonly tableBytes: number;
  readonly spilledBytes: number;
}

/** How events are put. */
export interface Shape {
  readonly name: "single" | "packed";
  /** Of the stream's records, whose bytes are those of data and partition key. */
  readonly eventsPerRecord: number;
  readonly recordBytes: number;
  readonly putUnitsPerEvent: number;
  /** By rising events. */
  readonly turns: readonly TurnFigures[];
}

/** What a bill is made of, as it was measured; the engines' figures are of `bench/results/engine.json`. */
export interface Measured {
  readonly single: Shape;
  readonly packed: Shape;
  /** Bytes of an event's JSON. */
  readonly eventBytes: number;
  /** Written by a function in an invocation, at INFO. */
  readonly logBytes: number;
  /** Seconds of CPU a million events. */
  readonly flinkCpu: number;
  readonly kafkaStreamsCpu: number;
}

/** Between two measured sizes in a straight line; beyond the largest on its last one, where that rises; never below what is measured. */
export function turnOf({ turns }: Shape, events: number): TurnFigures {
  const wanted = Math.max(events, turns[0]!.events);
  const next = Math.max(
    1,
    turns.findIndex((one) => one.events >= wanted),
  );
  const at = wanted > turns.at(-1)!.events ? turns.length - 1 : next;
  const [low, high] = [turns[at - 1]!, turns[at]!];
  const share = (wanted - low.events) / (high.events - low.events);
  const between = (name: keyof TurnFigures) => {
    const onLine = low[name] + (high[name] - low[name]) * share;
    return share > 1 ? Math.max(high[name], onLine) : onLine;
  };
  return {
    events,
    cpuMillis: between("cpuMillis"),
    writeUnits: between("writeUnits"),
    readUnits: between("readUnits"),
    s3Puts: between("s3Puts"),
    s3Gets: between("s3Gets"),
    sqsRequests: between("sqsRequests"),
    firehoseKilobytes: between("firehoseKilobytes"),
    tableBytes: between("tableBytes"),
    spilledBytes: between("spilledBytes"),
  };
}
