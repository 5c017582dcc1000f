import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { infrastructureError, messageOf } from "../errors.ts";
import type { Services } from "./services.ts";

/** A secret that was changed is noticed within this. */
const KEPT_MILLIS = 300_000;

/** Texts of Secrets Manager, kept for five minutes. */
export class Secrets {
  readonly #services: Services;
  readonly #code: string;
  readonly #kept = new Map<string, { readonly text: Promise<string>; readonly until: number }>();

  /** @param code of errors, which do not tell the secret */
  constructor(services: Services, code: string) {
    this.#services = services;
    this.#code = code;
  }

  /** @throws infrastructure error */
  of(arn: string): Promise<string> {
    const now = this.#services.now();
    const kept = this.#kept.get(arn);
    if (kept !== undefined && now < kept.until) return kept.text;
    const text = this.#fetch(arn);
    this.#kept.set(arn, { text, until: now + KEPT_MILLIS });
    text.catch(() => this.#kept.delete(arn));
    return text;
  }

  /** They may have been changed: the next are asked for. */
  forget(): void {
    this.#kept.clear();
  }

  async #fetch(arn: string): Promise<string> {
    try {
      const client = this.#services.aws.of(SecretsManagerClient);
      const { SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
      if (text !== undefined && text.trim() !== "") return text.trim();
    } catch (cause) {
      throw infrastructureError({
        code: this.#code,
        message: `The secret ${arn} could not be read: ${messageOf(cause)}`,
        cause,
      });
    }
    throw infrastructureError({ code: this.#code, message: `The secret ${arn} has no text.` });
  }
}
