import { randomBytes } from "node:crypto";
import { isRecord } from "../template/template-file.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";
import { jsonAnswer, targetOperation, type GatewayAnswer } from "./exchange.ts";
import type { ServiceFace } from "./service-gateway.ts";

const contentType = "application/x-amz-json-1.1";

/** A secret of a template, with the text that it has, or one that is made. */
export interface LocalSecret {
  readonly name: string;
  readonly arn: string;
  text: string;
}

export function secretOf({ name, arn, properties }: ResolvedResource): LocalSecret {
  const given = properties["SecretString"];
  if (typeof given === "string") return { name, arn: arn ?? name, text: given };
  const generated = properties["GenerateSecretString"];
  const { SecretStringTemplate: template, GenerateStringKey: key } = isRecord(generated) ? generated : {};
  const random = randomBytes(24).toString("base64url");
  const text =
    typeof template === "string" && typeof key === "string"
      ? JSON.stringify({ ...(JSON.parse(template) as object), [key]: random })
      : random;
  return { name, arn: arn ?? name, text };
}

/** What of Secrets Manager functions need: a secret's text, by its name or ARN; and for the user to put another. */
export function secretsFace(secrets: () => readonly LocalSecret[]): ServiceFace {
  return {
    operationOf: targetOperation,
    handle: async (request, operation): Promise<GatewayAnswer> => {
      const input = JSON.parse(request.body.toString("utf8")) as { SecretId?: string; SecretString?: string };
      const secret = secrets().find(({ name, arn }) => input.SecretId === name || input.SecretId === arn);
      if (secret === undefined) {
        const message = "Secrets Manager can't find the specified secret.";
        return jsonAnswer(400, { __type: "ResourceNotFoundException", message }, contentType);
      }
      const { name: Name, arn: ARN } = secret;
      if (operation === "PutSecretValue" && input.SecretString !== undefined) {
        secret.text = input.SecretString;
        return jsonAnswer(200, { ARN, Name }, contentType);
      }
      if (operation === "GetSecretValue")
        return jsonAnswer(200, { ARN, Name, SecretString: secret.text, VersionStages: ["AWSCURRENT"] }, contentType);
      const message = `The local stack's Secrets Manager has no ${operation}`;
      return jsonAnswer(400, { __type: "InvalidRequestException", message }, contentType);
    },
  };
}
