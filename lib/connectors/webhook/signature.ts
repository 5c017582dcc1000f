import { createHmac } from "node:crypto";

/** What secrets of Standard Webhooks begin with: the rest is base64. */
const PREFIX = "whsec_";

/**
 * The headers that sign a request, as Standard Webhooks 1.0 has them: HMAC-SHA256 of `id.seconds.body`, which libraries of
 * many languages verify.
 *
 * @param secret a text, or `whsec_` and base64
 */
export function signatureHeaders(
  secret: string,
  { id, body, now }: { readonly id: string; readonly body: string; readonly now: number },
): Readonly<Record<string, string>> {
  const key = secret.startsWith(PREFIX) ? Buffer.from(secret.slice(PREFIX.length), "base64") : Buffer.from(secret);
  const seconds = String(Math.floor(now / 1_000));
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": `v1,${signature}` };
}
