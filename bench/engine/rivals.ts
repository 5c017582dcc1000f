import { existsSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { compiledJava, jarsOf, jarVersion, pythonWith } from "../harness/install.ts";
import { metered, type Usage } from "../harness/metered.ts";
import { emptyDirectory, run, workDirectory } from "../harness/work.ts";
import type { Departures } from "./data.ts";
import { DISORDER_HOURS } from "./flights.ts";
import { startBroker, type Broker } from "./peers/kafka/broker.ts";
import type { Subject } from "./subject.ts";

export const PEERS = path.join(import.meta.dirname, "peers");
const DEPARTURE = path.join(PEERS, "Departure.java");
const HARNESS = path.join(import.meta.dirname, "../harness");

/** What tells of a mark, in Java; and where Python finds it. */
export const MARK = path.join(HARNESS, "Mark.java");
export const MARK_PATH = { PYTHONPATH: HARNESS };

/** All JVMs get the same heap; what else they are set to is the JVM's own choice. */
export const HEAP = "-Xmx1g";

export const OPENS = ["java.util", "java.lang", "java.time"].map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`);

export interface Rivals {
  readonly subjects: readonly Subject[];
  readonly versions: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export function flink(): Rivals {
  const jars = jarsOf("flink", path.join(PEERS, "flink/pom.xml"));
  const classPath = compiledJava("flink", jars, [MARK, DEPARTURE, path.join(PEERS, "flink/FlinkFlights.java")]);
  /** @param seconds between checkpoints */
  const subject = (name: string, about: string, keying: "keyBy" | "partitioned", seconds: number): Subject => ({
    name,
    about,
    async run({ text }, mark) {
      const rows = emptyDirectory("rows", "flink");
      const checkpoints = emptyDirectory("flink-checkpoints");
      const args = [
        ...[HEAP, ...OPENS, "-cp", classPath, "FlinkFlights"],
        ...[text, rows, checkpoints, String(DISORDER_HOURS), keying, String(seconds)],
      ];
      const { usage, marked } = await metered("java", args, { mark });
      rmSync(checkpoints, { recursive: true, force: true });
      return { usage, rows: filesIn(rows), marked };
    },
  });
  return {
    subjects: [
      subject("Flink", "DataStream API, keyBy; a checkpoint every second, hashmap state, objects reused", "keyBy", 1),
      subject(
        "Flink, a checkpoint a minute",
        "the same with Managed Flink's default, so with none in runs as short as these",
        "keyBy",
        60,
      ),
      subject(
        "Flink, partitioned",
        "the same, told that its input is partitioned by the key: no exchange",
        "partitioned",
        1,
      ),
    ],
    versions: {
      flink: jarVersion(classPath, "flink-runtime"),
      jackson: jarVersion(classPath, "jackson-databind"),
      java: javaVersion(),
    },
    stop: async () => undefined,
  };
}

export const javaVersion = (): string => /version "([^"]+)"/.exec(run("java", ["-version"]))![1]!;

/** What Flink has committed; what begins with a dot is not. */
export const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.startsWith("part-"))
    .map((entry) => path.join(entry.parentPath, entry.name));

export async function kafkaStreams(): Promise<Rivals> {
  const jars = jarsOf("kafka", path.join(PEERS, "kafka/pom.xml"));
  const sources = ["KafkaLoad", "KafkaFlights"].map((name) => path.join(PEERS, `kafka/${name}.java`));
  const classPath = compiledJava("kafka", jars, [MARK, DEPARTURE, ...sources]);
  const broker = await startBroker(jars);
  const tool = (...args: readonly string[]) => run("java", ["-cp", classPath, "KafkaLoad", ...args]);
  const loaded = new Set<string>();
  let runs = 0;
  const subject: Subject = {
    name: "Kafka Streams",
    about: "exactly_once_v2, in-memory store with its changelog, suppress until a window closes; a broker of one node",
    async run({ count, text }, mark) {
      const [input, output] = [`departures-${count}`, `hourly-${++runs}`];
      if (!loaded.has(input)) tool("load", broker.address, input, text);
      loaded.add(input);
      tool("create", broker.address, output);
      const args = [
        ...[HEAP, "-cp", classPath, "KafkaFlights", broker.address, input, output],
        // One more than the departures, a month later.
        ...[String(count + 1), String(DISORDER_HOURS), emptyDirectory("kafka-state")],
      ];
      const { usage, beside, marked } = await meteredBeside(broker, args, mark);
      const rows = path.join(workDirectory("rows"), "kafka.ndjson");
      tool("read", broker.address, output, rows);
      return { usage, beside, rows: [rows], marked };
    },
  };
  return {
    subjects: [subject],
    versions: { kafka: jarVersion(classPath, "kafka-streams") },
    stop: () => broker.stop(),
  };
}

/** Runs a program of Java, and reads what a broker takes meanwhile. */
export async function meteredBeside(broker: Broker, args: readonly string[], mark: number) {
  const before = broker.usage();
  let beforeMark = 0;
  const onMark = () => (beforeMark = broker.usage().cpu - before.cpu);
  const { usage, marked } = await metered("java", args, { mark, onMark });
  const { cpu, wall, rss } = broker.usage();
  const beside: Usage = { cpu: cpu - before.cpu, wall: wall - before.wall, rss, beforeMark };
  return { usage, beside, marked };
}

/** A snapshot every second, none kept longer than needed. */
export const BYTEWAX = ["-s", "1", "-b", "0"];

export const versionOfBytewax = (python: string): string =>
  run(python, ["-c", "from importlib.metadata import version; print(version('bytewax'))"]).trim();

export function bytewax(): Rivals {
  const python = pythonWith("bytewax", path.join(PEERS, "bytewax/requirements.txt"));
  const subject: Subject = {
    name: "Bytewax",
    about: "recovery on, a snapshot every second, orjson",
    async run({ text }: Departures, mark) {
      const rows = path.join(workDirectory("rows"), "bytewax.ndjson");
      if (existsSync(rows)) rmSync(rows); // it would go on writing behind what is there
      const recovery = emptyDirectory("bytewax-recovery");
      run(python, ["-m", "bytewax.recovery", recovery, "1"]);
      const args = ["-m", "bytewax.run", "flights:flow", "-r", recovery, ...BYTEWAX];
      const { usage, marked } = await metered(python, args, {
        cwd: path.join(PEERS, "bytewax"),
        env: { ...process.env, ...MARK_PATH, INPUT: text, ROWS: rows, DISORDER_HOURS: String(DISORDER_HOURS) },
        mark,
      });
      return { usage, rows: [rows], marked };
    },
  };
  return { subjects: [subject], versions: { bytewax: versionOfBytewax(python) }, stop: async () => undefined };
}
