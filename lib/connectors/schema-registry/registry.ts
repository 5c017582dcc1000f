import { infrastructureError, messageOf, poisonError, systemicError } from "../../errors.ts";
import { AvroError } from "../../formats/avro/input.ts";
import { avroReader, type AvroReader } from "../../formats/avro/schema.ts";
import type { Address } from "../../plan/bindings.ts";
import { Limiter } from "../../runtime/limiter.ts";
import { Retries } from "../../runtime/retries.ts";
import { Secrets } from "../secrets.ts";
import { fieldOf, type Services } from "../services.ts";

/** Schemas that are kept, those too that there are not. */
const MOST_SCHEMAS = 1_000;
/** Of a schema, as the registry answers. */
const MOST_BYTES = 4 * 1_024 * 1_024;
/** A schema that was not there is asked for again after this. */
const MISSING_MILLIS = 60_000;
const TIMEOUT_MILLIS = 5_000;
const REQUESTS_AT_A_TIME = 8;

/** The schemas of records, by their ids. What an id stands for never changes. */
export interface SchemaRegistry {
  /** Has these schemas known. @throws infrastructure error `registry/failed`; systemic errors `registry/refused`, `registry/login` */
  fetch(ids: Iterable<number>): Promise<void>;
  /** What reads values of a schema that was fetched. @throws poison errors `avro/no-schema`, `avro/schema` */
  readerOf(id: number): AvroReader;
}

/** A schema, or why there is none. */
type Known =
  { readonly read: AvroReader } | { readonly problem: string; readonly code: string; readonly until: number };

/**
 * A registry with Confluent's HTTP interface (its own, Apicurio's, Karapace's, Redpanda's). The address has `registryUrl`, and
 * `registryLogin` where it wants a login: the ARN of a secret, JSON of `username` and `password`.
 */
export const schemaRegistry = (address: Address, services: Services): SchemaRegistry =>
  new HttpRegistry(fieldOf(address, "registryUrl", "The schema registry"), address["registryLogin"], services);

class HttpRegistry implements SchemaRegistry {
  readonly #url: string;
  readonly #login: string | undefined;
  readonly #services: Services;
  readonly #secrets: Secrets;
  readonly #limiter = new Limiter(REQUESTS_AT_A_TIME);
  readonly #known = new Map<number, Known>();
  /** What is being asked for: by several tasks, once. */
  readonly #asked = new Map<number, Promise<void>>();

  constructor(url: string, login: string | undefined, services: Services) {
    this.#url = url.replace(/\/+$/, "");
    this.#login = login;
    this.#services = services;
    this.#secrets = new Secrets(services, "registry/login");
  }

  async fetch(ids: Iterable<number>): Promise<void> {
    const wanted = new Set(ids);
    const now = this.#services.now();
    const missing = [...wanted].filter((id) => {
      const known = this.#known.get(id);
      return known === undefined || ("until" in known && known.until <= now);
    });
    this.#makeRoom(missing.length, wanted);
    await Promise.all(missing.map((id) => this.#once(id)));
  }

  readerOf(id: number): AvroReader {
    const known = this.#known.get(id);
    if (known === undefined) {
      // So many schemas came meanwhile that this one had to go: the batch comes again.
      throw systemicError({
        code: "registry/forgotten",
        message: `Schema ${id} was fetched and is not known any more.`,
      });
    }
    if ("read" in known) return known.read;
    throw poisonError({ code: known.code, message: `Schema ${id} ${known.problem}.` });
  }

  /** The oldest go, but for those that are wanted. */
  #makeRoom(places: number, wanted: ReadonlySet<number>): void {
    for (const id of this.#known.keys()) {
      if (this.#known.size + places <= MOST_SCHEMAS) return;
      if (!wanted.has(id)) this.#known.delete(id);
    }
  }

  #once(id: number): Promise<void> {
    const asked =
      this.#asked.get(id) ??
      this.#limiter
        .run(async () => void this.#known.set(id, await this.#ask(id)))
        .finally(() => this.#asked.delete(id));
    this.#asked.set(id, asked);
    return asked;
  }

  async #ask(id: number): Promise<Known> {
    const retries = new Retries(this.#services.wait);
    let isRefused = false;
    for (;;) {
      let why: string;
      try {
        const answer = await this.#request(id);
        const { status } = answer;
        if (status === 200) return this.#schemaIn(await textOf(answer));
        answer.body?.cancel().catch(() => undefined);
        if (status === 404) return this.#none("is not in the registry", "avro/no-schema");
        if (status === 401 || status === 403) {
          if (isRefused) throw refused(this.#url, status);
          isRefused = true;
          this.#secrets.forget(); // it may have been changed
        }
        why = `it answered ${status}`;
      } catch (thrown) {
        if ((thrown as { readonly kind?: unknown }).kind === "systemic") throw thrown;
        const { cause } = thrown as { readonly cause?: unknown };
        why = `${messageOf(thrown)}${cause === undefined ? "" : `: ${messageOf(cause)}`}`;
      }
      if (await retries.again()) continue;
      throw infrastructureError({
        code: "registry/failed",
        message: `The schema registry ${this.#url} was asked for schema ${id}, and ${why}.`,
      });
    }
  }

  async #request(id: number): Promise<Response> {
    const login = this.#login === undefined ? undefined : loginIn(this.#login, await this.#secrets.of(this.#login));
    const left = this.#services.wait.left?.() ?? Number.POSITIVE_INFINITY;
    return fetch(`${this.#url}/schemas/ids/${id}`, {
      redirect: "manual", // a login is for no one else
      signal: AbortSignal.timeout(Math.max(1, Math.min(TIMEOUT_MILLIS, left))),
      headers: {
        accept: "application/vnd.schemaregistry.v1+json",
        "user-agent": "millrace",
        ...(login && { authorization: login }),
      },
    });
  }

  #schemaIn(text: string | undefined): Known {
    if (text === undefined) return this.#none(`has more than ${MOST_BYTES} bytes`, "avro/schema");
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      answer = undefined;
    }
    const { schema, schemaType = "AVRO", references = [] } = (answer ?? {}) as Record<string, unknown>;
    if (typeof schema !== "string") throw new TypeError("it answered something without a schema");
    if (schemaType !== "AVRO")
      return this.#none(`is of type ${String(schemaType).slice(0, 20)}, and no Avro`, "avro/schema");
    if (!Array.isArray(references) || references.length > 0) {
      return this.#none("refers to other schemas, which is not read", "avro/schema");
    }
    try {
      return { read: avroReader(schema) };
    } catch (thrown) {
      if (!(thrown instanceof AvroError)) throw thrown;
      return this.#none(`cannot be read: ${thrown.message}`, "avro/schema");
    }
  }

  #none(problem: string, code: string): Known {
    return { problem, code, until: this.#services.now() + MISSING_MILLIS };
  }
}

/** @returns undefined for more than is taken */
async function textOf({ body }: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) return undefined; // which ends the answer
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** @throws systemic error `registry/login`, which does not tell the secret */
function loginIn(arn: string, text: string): string {
  try {
    const { username, password } = JSON.parse(text) as Record<string, unknown>;
    if (typeof username === "string" && typeof password === "string") {
      return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    }
  } catch {
    // never its text
  }
  throw systemicError({
    code: "registry/login",
    message: `The secret ${arn} is no login.`,
    advice: 'It is JSON: {"username": …, "password": …}.',
  });
}

const refused = (url: string, status: number) =>
  systemicError({
    code: "registry/refused",
    message: `The schema registry ${url} answered ${status}.`,
    advice: "Give the function a login that it takes.",
  });
