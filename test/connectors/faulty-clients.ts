import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { AwsClients, AwsSettings } from "../../lib/connectors/services.ts";
import type { Weather } from "./sink-contract.ts";

/** How a service's requests and answers are taken apart. */
export interface Wire {
  readonly endpoint: string;
  /** The input's field that has the entries. */
  readonly entries: string;
  /** Whether that field is one entry, and no list of them: then `merged` throws the service's error. */
  readonly isOneEntry?: boolean;
  idsOf(entry: never): readonly string[];
  /** An answer to entries of which some were left out: to the others it was `answer`. */
  merged(answer: object, isLeft: readonly boolean[], entries: readonly never[]): object;
}

interface Command {
  readonly input: Record<string, unknown>;
}

/** Clients of an emulator, whose requests meet the weather. */
export function faultyClients(wire: Wire, weather: Weather): AwsClients {
  return {
    of<C>(Client: new (settings: AwsSettings) => C): C {
      const settings = {
        endpoint: wire.endpoint,
        region: "us-east-1",
        credentials: { accessKeyId: "local", secretAccessKey: "local" },
        requestHandler: new NodeHttpHandler(),
        maxAttempts: 1,
        forcePathStyle: true,
      };
      const client = new Client(settings) as C & { send: (command: Command) => Promise<object> };
      const { send } = client;
      return Object.assign(client, { send: (command: Command) => meeting(wire, weather, send.bind(client), command) });
    },
  };
}

async function meeting(
  { entries: field, isOneEntry = false, idsOf, merged }: Wire,
  weather: Weather,
  send: (command: Command) => Promise<object>,
  command: Command,
): Promise<object> {
  const input = command.input[field];
  const entries = (isOneEntry ? [input] : input) as readonly never[];
  const fails = weather.fails(entries.flatMap(idsOf));
  if (fails === "before") throw new Error("The service is not there.");
  const isLeft = entries.map((entry) => weather.leaves(idsOf(entry)));
  if (!isOneEntry) command.input[field] = entries.filter((_, i) => !isLeft[i]);
  const answer = isLeft.every(Boolean) ? {} : await send(command);
  if (fails === "after") throw new Error("The answer was lost.");
  return isLeft.some(Boolean) ? merged(answer, isLeft, entries) : answer;
}

/** Answers that list one result an entry, in their order. */
export const listed =
  (results: string, failure: object, count: string) =>
  (answer: object, isLeft: readonly boolean[]): object => {
    const taken = ((answer as Record<string, unknown>)[results] ?? []) as readonly object[];
    let next = 0;
    const all = isLeft.map((is) => (is ? failure : taken[next++]!));
    return { ...answer, [results]: all, [count]: isLeft.filter(Boolean).length };
  };

/** Answers that name the entries that failed. */
export const named =
  (failure: object) =>
  (answer: { readonly Failed?: readonly object[] }, isLeft: readonly boolean[], entries: readonly never[]): object => ({
    ...answer,
    Failed: [
      ...(answer.Failed ?? []),
      ...entries.flatMap(({ Id }: { readonly Id: string }, i) => (isLeft[i] ? [{ Id, ...failure }] : [])),
    ],
  });
