import { messageOf, systemicError } from "../../errors.ts";
import type { Wait } from "../../runtime/retries.ts";
import type { Delivery } from "../../runtime/sink-writer.ts";
import type { Address } from "../../plan/bindings.ts";
import { deliverInBatches, TAKEN, type Entry, type Outcome } from "../batched-delivery.ts";
import { partsOf } from "../row.ts";
import { Secrets } from "../secrets.ts";
import { fieldOf, type Services } from "../services.ts";
import type { MakeWriter } from "../sink-connectors.ts";
import type { Verdict, WebhookDeclaration } from "./declare.ts";
import { signatureHeaders } from "./signature.ts";
import { problemOf } from "./url.ts";

/** What of a refusal's answer goes into the dead letter, in bytes. */
const EXCERPT_BYTES = 500;

/** Statuses of 4xx that are not the row's fault: who we are is not accepted, or it was a bad moment. */
const LATER: ReadonlySet<number> = new Set([401, 403, 408, 425, 429]);

/**
 * Delivers to an HTTP endpoint. Its address has `url`, or `urlSecret`, the ARN of a secret that is one; `signingSecret` and
 * `authorizationSecret` where there are such; and `millis`, what a delivery may take.
 */
export const webhookWriter: MakeWriter = (sink, address, services) => {
  const declaration = sink as WebhookDeclaration;
  const endpoint = new Endpoint(declaration, address, services);
  return {
    deliver: (deliveries) =>
      deliverInBatches(deliveries.map(entryOf), {
        what: `Webhook "${sink.name}"`,
        code: "webhook/send",
        maxEntries: declaration.concurrency,
        maxBytes: Number.POSITIVE_INFINITY,
        wait: within(endpoint.millis, services),
        send: async (batch) => {
          const request = await endpoint.request();
          return Promise.all(batch.map(({ delivery, content }) => request(delivery.id, content)));
        },
      }),
  };
};

/**
 * A wait that ends when the delivery has taken so long: an endpoint may take any time for an answer, and who is killed in the
 * middle cannot tell how far it was.
 */
function within(millis: number, { wait, now }: Services): Wait {
  const end = now() + millis;
  return Object.assign((pause: number) => wait(pause), {
    ...wait, // its jitter, and whom it tells
    left: () => Math.min(end - now(), wait.left?.() ?? Number.POSITIVE_INFINITY),
    patience: Number.POSITIVE_INFINITY,
  });
}

function entryOf(delivery: Delivery): Entry<string> {
  const { head, row } = partsOf(delivery.body);
  return { delivery, content: row, bytes: 0, lane: head["lane"] };
}

class Endpoint {
  readonly millis: number;
  readonly #declaration: WebhookDeclaration;
  readonly #address: Address;
  readonly #secrets: Secrets;
  readonly #now: () => number;

  constructor(declaration: WebhookDeclaration, address: Address, services: Services) {
    this.millis = Number(fieldOf(address, "millis", `The webhook "${declaration.name}"`));
    this.#declaration = declaration;
    this.#address = address;
    this.#secrets = new Secrets(services, "webhook/secret");
    this.#now = services.now;
  }

  /** What sends a row, as the secrets are now. */
  async request(): Promise<(id: string, body: string) => Promise<Outcome>> {
    const { url, urlSecret, signingSecret, authorizationSecret } = this.#address;
    const secret = async (arn: string | undefined) => (arn === undefined ? undefined : this.#secrets.of(arn));
    const [secretUrl, signing, authorization] = await Promise.all(
      [urlSecret, signingSecret, authorizationSecret].map(secret),
    );
    const target = this.#checked(url ?? secretUrl ?? "");
    return (id, body) => this.#send(target, id, body, { signing, authorization });
  }

  async #send(
    url: string,
    id: string,
    body: string,
    { signing, authorization }: { signing: string | undefined; authorization: string | undefined },
  ): Promise<Outcome> {
    const { method, timeout } = this.#declaration;
    let answer: Response;
    try {
      answer = await fetch(url, {
        method,
        body,
        redirect: "manual", // to wherever the endpoint says would be a way to any address
        signal: AbortSignal.timeout(timeout),
        headers: {
          "content-type": "application/json",
          "user-agent": "millrace",
          "idempotency-key": id,
          ...(signing !== undefined && signatureHeaders(signing, { id, body, now: this.#now() })),
          ...(authorization !== undefined && { authorization }),
        },
      });
    } catch (thrown) {
      const { cause } = thrown as { readonly cause?: unknown };
      return { kind: "left", why: `${messageOf(thrown)}${cause === undefined ? "" : `: ${messageOf(cause)}`}` };
    }
    return this.#outcome(answer);
  }

  async #outcome(answer: Response): Promise<Outcome> {
    const { status } = answer;
    const verdict = this.#declaration.verdicts.get(status) ?? verdictOf(status);
    if (verdict === "refused") {
      const excerpt = await excerptOf(answer);
      return { kind: "refused", why: `The endpoint answered ${status}${excerpt === "" ? "" : `: ${excerpt}`}` };
    }
    answer.body?.cancel().catch(() => undefined);
    if (verdict === "taken") return TAKEN;
    if (status === 401 || status === 403) this.#secrets.forget();
    const after = retryAfter(answer.headers.get("retry-after"), this.#now());
    const isRedirect = status >= 300 && status < 400;
    const why = `it answered ${status}${isRedirect ? ", and redirects are not followed" : ""}`;
    return { kind: "left", why, ...(after !== undefined && { after }) };
  }

  #checked(url: string): string {
    const problem = problemOf(url);
    if (problem === undefined) return url;
    throw systemicError({
      code: "webhook/url",
      message: `The address of the webhook "${this.#declaration.name}" is ${problem}.`,
      advice: "Rows are sent to https alone, and to http://localhost.",
    });
  }
}

function verdictOf(status: number): Verdict {
  if (status >= 200 && status < 300) return "taken";
  return status >= 400 && status < 500 && !LATER.has(status) ? "refused" : "later";
}

/** What an answer wants to be waited for, in milliseconds: seconds, or a date (RFC 9110, 10.2.3). */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const millis = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isFinite(millis) ? Math.max(millis, 0) : undefined;
}

/** The beginning of an answer's text: not more, as it is anyone's. */
async function excerptOf({ body }: Response): Promise<string> {
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    const reader = body.getReader();
    while (bytes < EXCERPT_BYTES) {
      const { done, value } = (await reader.read()) as { done: boolean; value?: Uint8Array };
      if (done || value === undefined) break;
      chunks.push(value);
      bytes += value.length;
    }
    reader.cancel().catch(() => undefined);
  } catch {
    // what came is what there is to tell
  }
  return Buffer.concat(chunks).subarray(0, EXCERPT_BYTES).toString().replaceAll(/\s+/g, " ").trim();
}
