import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { AwsClients, AwsSettings, Elsewhere } from "../connectors/services.ts";

/** A request that takes longer than this is given up and sent again. */
const REQUEST_TIMEOUT_MILLIS = 10_000;
const CONNECTION_TIMEOUT_MILLIS = 2_000;
const ATTEMPTS = 5;

/** Of a request to a sink: what fails then counts for its breaker, and a probe is one attempt. */
export const SINK_ATTEMPTS = 2;

/** Clients as the environment says: region, credentials, endpoints. One of each kind and place per execution environment. */
export function awsClients(maxAttempts: AwsSettings["maxAttempts"] = ATTEMPTS): AwsClients {
  const settings: AwsSettings = {
    // HTTP/1.1 throughout: the Kinesis client's own handler speaks HTTP/2 only, which plain-http endpoints do not.
    requestHandler: new NodeHttpHandler({
      requestTimeout: REQUEST_TIMEOUT_MILLIS,
      connectionTimeout: CONNECTION_TIMEOUT_MILLIS,
      // Without it the SDK only warns, and a request that hangs holds its task for as long as it likes.
      throwOnRequestTimeout: true,
    }),
    maxAttempts,
    // S3's alone: path style is what every S3-compatible endpoint understands; on AWS itself the default stays.
    forcePathStyle: process.env["AWS_ENDPOINT_URL_S3"] !== undefined,
  };
  const made = new Map<unknown, Map<string, unknown>>();
  return {
    of<C>(Client: new (settings: AwsSettings) => C, { region, endpoint }: Elsewhere = {}): C {
      const clients = made.get(Client) ?? new Map<string, unknown>();
      made.set(Client, clients);
      const where = `${region ?? ""} ${endpoint ?? ""}`;
      if (!clients.has(where)) {
        clients.set(where, new Client({ ...settings, ...(region && { region }), ...(endpoint && { endpoint }) }));
      }
      return clients.get(where) as C;
    },
  };
}
