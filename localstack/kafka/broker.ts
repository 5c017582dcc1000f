import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";

/** A broker of Apache Kafka in KRaft mode, a process of its own on 127.0.0.1. It needs Java 17 or later. */
export interface KafkaBroker {
  /** `127.0.0.1:PORT` */
  readonly bootstrapServers: string;
  /** Over TLS, with SASL/SCRAM and SASL/PLAIN for the users that {@link BrokerOptions} has. */
  readonly saslServers: string;
  /** Over TLS, for who shows the certificate of {@link client}. */
  readonly tlsServers: string;
  /** The authority that signed the broker's certificate, in PEM. */
  readonly authority: string;
  /** Undefined where there is no openssl: Java's own tools make no keys that others can read. */
  readonly client: ClientCertificate | undefined;
  stop(): Promise<void>;
}

/** A client's certificate and its key, in PEM; the key in clear, and as the password opens it. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly privateKey: string;
  readonly lockedKey: string;
  readonly password: string;
}

export interface BrokerOptions {
  /** A directory that the broker fills. */
  readonly directory: string;
  /** Users of SASL/SCRAM-SHA-512 and SASL/PLAIN, by their names. @default none */
  readonly users?: Readonly<Record<string, string>>;
}

/** Where jars lie once they were fetched: git does not see it. */
const CACHE = ".millrace/kafka";

/** Maven Central, or a mirror of it. */
const MAVEN = "MAVEN_CENTRAL_URL";

const STARTING_MILLIS = 60_000;

/** Starts a broker, and fetches what it is made of where that is not there yet: 44 MB, by the checksums of broker-jars.json. */
export async function startBroker({ directory, users = {} }: BrokerOptions): Promise<KafkaBroker> {
  const classPath = join(await jars(), "*");
  await mkdir(directory, { recursive: true });
  const authority = certificate(directory);
  const client = clientCertificate(directory);
  // Whom the broker trusts; nobody is known by its own certificate.
  await writeFile(join(directory, CLIENTS), client?.certificate ?? authority);
  const [port, saslPort, tlsPort, controllerPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const settings = join(directory, "server.properties");
  await writeFile(settings, properties({ directory, port, saslPort, tlsPort, controllerPort, users }));
  const scram = Object.entries(users).flatMap(([name, password]) => [
    "--add-scram",
    `SCRAM-SHA-512=[name=${name},password=${password}]`,
  ]);
  const formatted = java(classPath, "kafka.tools.StorageTool", [
    "format",
    ...["-t", "bWlsbHJhY2UtbG9jYWwtYg", "-c", settings, ...scram],
  ]);
  if ((await ended(formatted)) !== 0) throw new Error(`Kafka's storage could not be formatted:\n${formatted.said()}`);
  const broker = java(classPath, "kafka.Kafka", [settings]);
  const stop = async () => {
    if (broker.process.exitCode !== null || broker.process.signalCode !== null) return;
    broker.process.kill("SIGKILL"); // what it has stored goes with it
    await ended(broker);
  };
  try {
    await listening(broker, [port, saslPort, tlsPort]);
  } catch (error) {
    await stop();
    throw error;
  }
  const [saslServers, tlsServers] = [`localhost:${saslPort}`, `localhost:${tlsPort}`];
  return { bootstrapServers: `127.0.0.1:${port}`, saslServers, tlsServers, authority, client, stop };
}

const KEYSTORE = "broker.p12";
/** Of a key that lives as long as the broker. */
const KEYSTORE_PASSWORD = "changeit";

/** Makes a key and a certificate of its own, for localhost. @returns the certificate, in PEM */
function certificate(directory: string): string {
  const store = ["-keystore", join(directory, KEYSTORE), "-storetype", "PKCS12", "-storepass", KEYSTORE_PASSWORD];
  const who = [
    "-alias",
    "broker",
    "-dname",
    "CN=localhost",
    "-ext",
    "san=dns:localhost,ip:127.0.0.1",
    "-ext",
    "bc=ca:true",
  ];
  const keytool = (...args: readonly string[]) => execFileSync("keytool", [...args, ...store], { stdio: "pipe" });
  keytool("-genkeypair", "-keyalg", "RSA", "-keysize", "2048", "-validity", "7", ...who);
  return keytool("-exportcert", "-rfc", "-alias", "broker").toString();
}

const CLIENTS = "clients.pem";

function clientCertificate(directory: string): ClientCertificate | undefined {
  const [key, certificate, password] = [join(directory, "client.key"), join(directory, "client.pem"), "a password"];
  const openssl = (...args: readonly string[]) => execFileSync("openssl", args, { stdio: "pipe" }).toString();
  try {
    openssl("version");
  } catch {
    return undefined;
  }
  const file = ["-keyout", key, "-out", certificate, "-subj", "/CN=client", "-days", "7"];
  openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", ...file);
  return {
    certificate: readFileSync(certificate, "utf8"),
    privateKey: readFileSync(key, "utf8"),
    lockedKey: openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", key, "-passout", `pass:${password}`),
    password,
  };
}

/** The directory with the broker's jars. */
async function jars(): Promise<string> {
  const list = new URL("broker-jars.json", import.meta.url);
  const wanted = Object.entries(JSON.parse(readFileSync(list, "utf8")) as Record<string, string>);
  const central = (process.env[MAVEN] ?? "https://repo1.maven.org/maven2").replace(/\/$/, "");
  await mkdir(CACHE, { recursive: true });
  for (const [path, sum] of wanted) {
    const file = join(CACHE, basename(path));
    if (existsSync(file) && sumOf(readFileSync(file)) === sum) continue;
    const answer = await fetch(`${central}/${path}`);
    if (!answer.ok) throw new Error(`${central}/${path}: ${answer.status}. ${MAVEN} can name a mirror.`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (sumOf(bytes) !== sum) throw new Error(`${central}/${path} is not the file that broker-jars.json names.`);
    await writeFile(`${file}.part`, bytes);
    await rename(`${file}.part`, file);
  }
  return CACHE;
}

const sumOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

interface Java {
  readonly process: ChildProcess;
  readonly said: () => string;
}

function java(classPath: string, main: string, args: readonly string[]): Java {
  const process = spawn("java", ["-Xmx384m", "-XX:+UseSerialGC", "-cp", classPath, main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const listen = (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000));
  process.stdout.on("data", listen);
  process.stderr.on("data", listen);
  process.on("error", (error) => (said += error.message));
  return { process, said: () => said };
}

const ended = ({ process }: Java): Promise<number | null> =>
  new Promise((resolve) => {
    if (process.exitCode !== null || process.signalCode !== null) resolve(process.exitCode);
    else process.once("close", resolve).once("error", () => resolve(-1));
  });

async function listening(broker: Java, ports: readonly number[]): Promise<void> {
  const until = Date.now() + STARTING_MILLIS;
  for (const port of ports) {
    while (!(await answers(port))) {
      if (broker.process.exitCode !== null) throw new Error(`Kafka ended:\n${broker.said()}`);
      if (Date.now() > until) throw new Error(`Kafka did not start within ${STARTING_MILLIS} ms:\n${broker.said()}`);
      await setTimeout(200);
    }
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => (socket.destroy(), resolve(true))).once("error", () => resolve(false));
  });

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });

interface Properties {
  readonly directory: string;
  readonly port: number;
  readonly saslPort: number;
  readonly tlsPort: number;
  readonly controllerPort: number;
  readonly users: Readonly<Record<string, string>>;
}

const properties = ({ directory, port, saslPort, tlsPort, controllerPort, users }: Properties): string => {
  const plain = Object.entries(users).map(([name, password]) => ` user_${name}="${password}"`);
  return Object.entries({
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    listeners: [
      `PLAINTEXT://127.0.0.1:${port}`,
      `SASL_SSL://127.0.0.1:${saslPort}`,
      `SSL://127.0.0.1:${tlsPort}`,
      `CONTROLLER://127.0.0.1:${controllerPort}`,
    ].join(),
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port},SASL_SSL://localhost:${saslPort},SSL://localhost:${tlsPort}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT",
    "listener.name.ssl.ssl.client.auth": "required",
    "listener.name.ssl.ssl.truststore.type": "PEM",
    "listener.name.ssl.ssl.truststore.location": join(directory, CLIENTS),
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
    "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config":
      "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    "listener.name.sasl_ssl.plain.sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required${plain.join("")};`,
    "ssl.keystore.type": "PKCS12",
    "ssl.keystore.location": join(directory, KEYSTORE),
    "ssl.keystore.password": KEYSTORE_PASSWORD,
    "log.dirs": join(directory, "log"),
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    // Retention goes by records' timestamps: history would be gone at once.
    "log.retention.ms": "-1",
    "log.cleaner.backoff.ms": "200",
    "auto.create.topics.enable": "false",
    "message.timestamp.after.max.ms": "9223372036854775807",
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
};

/** Removes what a broker has stored. */
export const forgetBroker = (directory: string): Promise<void> => rm(directory, { recursive: true, force: true });
