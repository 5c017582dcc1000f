/** The AWS APIs without a client among the dependencies that are called here. */
const SERVICES = {
  glue: { signing: "glue", target: "AWSGlue", version: "1.1" },
  cloudwatch: { signing: "monitoring", target: "GraniteServiceVersion20100801", version: "1.0" },
  logs: { signing: "logs", target: "Logs_20140328", version: "1.1" },
} as const;

/** Calls of an emulator, which looks at whom a request is for and not at its signature. */
export class JsonCalls {
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /** @returns the answer; its shape is the caller's to know @throws what the service says */
  async call(service: keyof typeof SERVICES, operation: string, input: unknown): Promise<unknown> {
    const { signing, target, version } = SERVICES[service];
    return this.#send("/", signing, {
      method: "POST",
      headers: { "content-type": `application/x-amz-json-${version}`, "x-amz-target": `${target}.${operation}` },
      body: JSON.stringify(input),
    });
  }

  /** The environment variables of a function. */
  async functionVariables(name: string): Promise<Readonly<Record<string, string>>> {
    const path = `/2015-03-31/functions/${encodeURIComponent(name)}/configuration`;
    const { Environment } = (await this.#send(path, "lambda", { method: "GET" })) as {
      readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> };
    };
    return Environment?.Variables ?? {};
  }

  async #send(path: string, signing: string, { headers, ...request }: RequestInit): Promise<unknown> {
    const answer = await fetch(`${this.#endpoint}${path}`, {
      ...request,
      headers: {
        ...(headers as Record<string, string>),
        "x-amz-date": "20260101T000000Z",
        authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/${signing}/aws4_request, SignedHeaders=host, Signature=0`,
      },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path} of ${signing} was answered with ${answer.status}: ${text.slice(0, 500)}`);
    return text === "" ? {} : (JSON.parse(text) as unknown);
  }
}
