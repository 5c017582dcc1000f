import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { forgetBroker, startBroker, type ClientCertificate } from "../../localstack/kafka/broker.ts";

declare module "vitest" {
  interface ProvidedContext {
    bootstrapServers: string;
    /** Where TLS and a login are wanted: the users of {@link USERS}. */
    saslServers: string;
    /** Where the client's certificate is wanted. */
    tlsServers: string;
    client: ClientCertificate | null;
    /** The authority that signed the broker's certificate, in PEM. */
    authority: string;
  }
}

/** Who may log in. */
export const USERS = { ann: "correct horse" };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-kafka-"));
  const broker = await startBroker({ directory, users: USERS });
  project.provide("bootstrapServers", broker.bootstrapServers);
  project.provide("saslServers", broker.saslServers);
  project.provide("tlsServers", broker.tlsServers);
  project.provide("client", broker.client ?? null);
  project.provide("authority", broker.authority);
  return async () => {
    await broker.stop();
    await forgetBroker(directory);
  };
}
