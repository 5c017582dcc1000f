import path from "node:path";
import { BYTEWAX, HEAP, MARK, MARK_PATH, meteredBeside, PEERS, versionOfBytewax } from "../../engine/rivals.ts";
import { startBroker } from "../../engine/peers/kafka/broker.ts";
import { compiledJava, jarsOf, jarVersion, pythonWith } from "../../harness/install.ts";
import { metered } from "../../harness/metered.ts";
import { emptyDirectory, run } from "../../harness/work.ts";
import { bidsIn } from "./events.ts";
import { DISORDER_SECONDS, javaIn, JAVA, newRowFile, type QueryEngine } from "./subjects.ts";

/** One query without state, and one of windows. */
const QUERIES = ["q1", "q12"];

/** Ends the windows before it, an hour after all other bids; an answer has nothing of it. */
const LAST = JSON.stringify({
  ...{ type: "bid", auction: 0, bidder: 0, price: 0, channel: "", url: "" },
  ...{ dateTime: Date.UTC(2015, 6, 16), extra: "" },
});

/** Kafka Streams, its topics of one partition on a broker of one node. */
export async function kafkaStreams(): Promise<QueryEngine> {
  const jars = jarsOf("kafka", path.join(PEERS, "kafka/pom.xml"));
  const classPath = compiledJava("nexmark-kafka", jars, [
    ...[MARK, ...javaIn(JAVA)],
    ...javaIn(path.join(JAVA, "kafka")),
    ...[path.join(PEERS, "Departure.java"), path.join(PEERS, "kafka/KafkaLoad.java")],
  ]);
  const broker = await startBroker(jars);
  const tool = (name: string, ...args: readonly string[]) => run("java", ["-cp", classPath, name, ...args]);
  const loaded = new Set<string>();
  let runs = 0;
  return {
    name: "Kafka Streams",
    about:
      "exactly_once_v2, in-memory store with its changelog, a topic between stages, suppress until a window closes; beside it a broker of one node",
    queries: QUERIES,
    versions: { kafka: jarVersion(classPath, "kafka-streams") },
    async run(query, { count, file }, mark) {
      const [input, output] = [`events-${count}`, `rows-${++runs}`];
      if (!loaded.has(input)) {
        tool("KafkaLoad", "create", broker.address, input);
        tool("KafkaPut", broker.address, input, file, LAST);
      }
      loaded.add(input);
      tool("KafkaLoad", "create", broker.address, output);
      const args = [
        ...[HEAP, "-cp", classPath, "KafkaNexmark", query, broker.address, input, output],
        ...[String(bidsIn(count) + 1), String(DISORDER_SECONDS), emptyDirectory("kafka-state")],
      ];
      const { usage, beside, marked } = await meteredBeside(broker, args, mark);
      const rows = newRowFile("kafka");
      tool("KafkaLoad", "read", broker.address, output, rows);
      return { usage, beside, rows: [rows], ids: "without ids", marked };
    },
    stop: () => broker.stop(),
  };
}

export function bytewax(): QueryEngine {
  const python = pythonWith("bytewax", path.join(PEERS, "bytewax/requirements.txt"));
  return {
    name: "Bytewax",
    about: "recovery on, a snapshot every second, orjson",
    queries: QUERIES,
    versions: { bytewax: versionOfBytewax(python) },
    async run(query, { file }, mark) {
      const rows = newRowFile("bytewax");
      const recovery = emptyDirectory("bytewax-recovery");
      run(python, ["-m", "bytewax.recovery", recovery, "1"]);
      const args = ["-m", "bytewax.run", "queries:flow", "-r", recovery, ...BYTEWAX];
      const own = { QUERY: query, INPUT: file, ROWS: rows, DISORDER_SECONDS: String(DISORDER_SECONDS) };
      const { usage, marked } = await metered(python, args, {
        cwd: path.join(import.meta.dirname, "bytewax"),
        env: { ...process.env, ...MARK_PATH, ...own },
        mark,
      });
      return { usage, rows: [rows], ids: "without ids", marked };
    },
  };
}
