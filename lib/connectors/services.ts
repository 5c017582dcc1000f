import type { NodeHttpHandler } from "@smithy/node-http-handler";
import { systemicError } from "../errors.ts";
import type { Address } from "../plan/bindings.ts";
import type { Wait } from "../runtime/retries.ts";

/** What AWS clients are made with. */
export interface AwsSettings {
  readonly requestHandler: NodeHttpHandler;
  /** Asked at each request. */
  readonly maxAttempts: number | (() => Promise<number>);
  readonly forcePathStyle: boolean;
  readonly region?: string;
  readonly endpoint?: string;
}

/** Where a service is that is not where the function is. */
export interface Elsewhere {
  readonly region?: string | undefined;
  /** A URL, of an interface endpoint of one's own. */
  readonly endpoint?: string | undefined;
}

/** AWS clients, one of each kind: `clients.of(KinesisClient)`. */
export interface AwsClients {
  /** @param elsewhere in place of the function's own region and endpoints */
  of<C>(Client: new (settings: AwsSettings) => C, elsewhere?: Elsewhere): C;
}

/** What the faces of connectors that talk to a system are given. */
export interface Services {
  readonly aws: AwsClients;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly wait: Wait;
}

/**
 * A field of what a source or sink was bound to.
 *
 * @param what names the source or sink in errors
 * @throws systemic error `bindings/address`
 */
export function fieldOf(address: Address, field: string, what: string): string {
  const value = address[field];
  if (value !== undefined) return value;
  throw systemicError({
    code: "bindings/address",
    message: `${what} is bound to nothing that has a ${field}.`,
    advice: "Deploy pipeline and infrastructure together.",
  });
}
