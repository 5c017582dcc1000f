import { Token } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import { refuseSetting } from "../limits.ts";
import type { CheckedSink, Grant } from "../provisioned.ts";
import type { WebhookDeclaration } from "./declare.ts";
import { problemOf } from "./url.ts";

/** A secret of Secrets Manager. */
export interface SecretText extends Pick<ISecret, "secretArn"> {
  readonly secretFullArn?: string | undefined;
  readonly encryptionKey?: IKey | undefined;
}

/** Where a webhook's rows are sent. Secrets are texts; they are read while the function runs, and never by its deployment. */
export interface WebhookSettings {
  /** The endpoint's URL: https, or http://localhost; or a secret that is one. */
  readonly url: string | SecretText;
  /** What requests are signed with, as Standard Webhooks has it: a text, or `whsec_` and base64. @default they are not signed */
  readonly signing?: SecretText;
  /** The value of each request's `authorization` header: `Bearer …`. @default there is none */
  readonly authorization?: SecretText;
}

/** How much of a function's time-out a delivery may take: the batch was folded before it, and what was sent is noted after it. */
const SHARE = 0.5;

/**
 * @param what names the webhook in errors
 * @param timeoutSeconds the function's
 * @throws definition error `provision/refused`
 */
export function checkWebhook(
  what: string,
  { name, timeout }: WebhookDeclaration,
  settings: WebhookSettings | undefined,
  timeoutSeconds: number,
): CheckedSink {
  if (settings === undefined) throw refuseSetting(what, "not set", "Say its url: an endpoint is never made.");
  const { url, signing, authorization } = settings;
  const problem = typeof url === "string" && !Token.isUnresolved(url) ? problemOf(url) : undefined;
  if (problem !== undefined) throw refuseSetting(`${what}.url`, problem, "It is https, or http://localhost.");
  const millis = timeoutSeconds * 1_000 * SHARE;
  if (timeout > millis) {
    throw refuseSetting(
      `${what}: the time-out of a request`,
      `${timeout} ms, and ${millis} ms are what a delivery may take`,
      "Lower the webhook's timeout, or raise the function's.",
    );
  }
  const secrets = [url, signing, authorization].filter((one): one is SecretText => typeof one === "object");
  return {
    name,
    provision: () => ({
      name,
      address: {
        ...(typeof url === "string" ? { url } : { urlSecret: url.secretArn }),
        ...(signing && { signingSecret: signing.secretArn }),
        ...(authorization && { authorizationSecret: authorization.secretArn }),
        millis: String(millis),
      },
      grants: grantsOf(secrets),
      keyArns: [],
      announced: [], // an address can be a secret
      exceptions: [],
    }),
  };
}

function grantsOf(secrets: readonly SecretText[]): readonly Grant[] {
  const keys = [...new Set(secrets.flatMap(({ encryptionKey }) => encryptionKey?.keyArn ?? []))];
  // An ARN without what Secrets Manager puts at its end is completed by six characters.
  const resources = [...new Set(secrets.map((one) => one.secretFullArn ?? `${one.secretArn}-??????`))];
  return [
    ...(resources.length === 0 ? [] : [{ sid: "ReadSecrets", actions: ["secretsmanager:GetSecretValue"], resources }]),
    ...(keys.length === 0 ? [] : [{ sid: "DecryptSecrets", actions: ["kms:Decrypt"], resources: keys }]),
  ];
}
