import { infrastructureError, messageOf } from "../../errors.ts";
import type { Gate, Request } from "../gated.ts";
import type { SimulatedClock } from "./clock.ts";
import type { Draws, DrawStream } from "./draws.ts";
import type { Environment } from "./environments.ts";
import type { Fault, FaultKind, Faults } from "./faults.ts";

const KINDS: readonly FaultKind[] = [
  "crash-before",
  "crash-after",
  "zombie",
  "hang",
  "throttled",
  "timed-out",
  "late-landing",
  "lost-answer",
  "retried",
  "slow",
];
const CHECKPOINT_KINDS: readonly FaultKind[] = ["checkpoint-lost", ...KINDS];

export interface NetworkSettings {
  readonly clock: SimulatedClock;
  readonly faults: Faults;
  readonly draws: Draws;
  /** Is told of every question whether records wait. */
  readonly onTip: (environment: Environment, partition: string) => void;
  readonly trace: ((what: string) => void) | undefined;
}

/** What lies between the runtime and the services: every request takes its time, and may come to harm. */
export class Network {
  readonly #settings: NetworkSettings;
  readonly #latencies: DrawStream;
  /** Numbers of processes that had trouble to say that a suspect record had not killed them. */
  readonly silenced = new Set<number>();
  /** Services that answer nothing but errors. */
  readonly down = new Set<Request["service"]>();
  /** Requests so far. */
  requests = 0;
  /** Requests on their way, those of ended processes among them. */
  pending = 0;

  constructor(settings: NetworkSettings) {
    this.#settings = settings;
    this.#latencies = settings.draws.stream("latency");
  }

  /** The gate that all requests of a process pass. */
  gateOf(environment: Environment, kill: Kill): Gate {
    return (request, carryOut) =>
      new Promise((resolve, reject) => {
        if (environment.isDead) return; // it sends nothing, and its code runs no further
        this.requests++;
        const answer = (settle: () => void) => {
          this.#settings.clock.after(this.#latency(), () => {
            if (!environment.isDead) settle();
          });
        };
        const land = (delay: number, then: (result: Promise<unknown>) => void) => {
          this.pending++;
          this.#settings.clock.after(delay, () => {
            this.pending--;
            this.#settings.trace?.(`${environment.number} ${environment.place}${placeOf(request)}`);
            if (request.operation === "isAtTip") this.#settings.onTip(environment, request.subject);
            const result = carryOut();
            result.catch(() => undefined); // whoever waits for it hears of it
            then(result);
          });
        };
        const pass = (result: Promise<unknown>) => {
          result.then(
            (value) => answer(() => resolve(value as never)),
            (thrown: unknown) => answer(() => reject(thrown instanceof Error ? thrown : new Error(messageOf(thrown)))),
          );
        };
        if (this.down.has(request.service)) return answer(() => reject(unavailable("finds its service down")));
        const isCheckpoint = request.operation === "raiseCheckpoint" || request.subject.startsWith("checkpoints/");
        const place = environment.place + placeOf(request);
        const fault = this.#settings.faults.at(place, isCheckpoint && isWrite(request) ? CHECKPOINT_KINDS : KINDS);
        if (fault === undefined) return land(this.#latency(), pass);
        this.#settings.trace?.(`${environment.number} ${fault.name}`);
        if (request.operation === "endTrial") this.silenced.add(environment.number);
        const die = () => kill(environment, "crashes");
        this.#harm(fault, { die, land, pass, fail: (thrown) => answer(() => reject(thrown)) });
      });
  }

  #harm(
    { kind, draws }: Fault,
    {
      die,
      land,
      pass,
      fail,
    }: {
      die: () => void;
      land: (delay: number, then: (result: Promise<unknown>) => void) => void;
      pass: (result: Promise<unknown>) => void;
      fail: (thrown: Error) => void;
    },
  ): void {
    const long = () => Math.round(10 ** (1 + 4.5 * draws.next())); // 10 milliseconds to 5 minutes
    switch (kind) {
      case "crash-before":
        return die();
      case "crash-after":
        return land(this.#latency(), (result) => {
          result.finally(die).catch(() => undefined);
        });
      case "zombie":
        land(long(), () => undefined);
        return die();
      case "hang":
        if (draws.chance(0.5)) land(long(), () => undefined);
        return;
      case "late-landing":
        land(long(), () => undefined);
        return fail(unavailable("timed out"));
      case "lost-answer":
        return land(this.#latency(), () => fail(unavailable("was cut off")));
      case "retried":
        return land(this.#latency(), () => land(long(), pass));
      case "slow":
        return land(long(), pass);
      default:
        return fail(unavailable(kind === "throttled" ? "is throttled" : "timed out"));
    }
  }

  #latency(): number {
    return this.#latencies.between(1, 20);
  }
}

type Kill = (environment: Environment, why: string) => void;

const isWrite = ({ operation }: Request): boolean => operation === "put" || operation === "raiseCheckpoint";

/** A place is the same request again and again: of one task, or to one sink. */
function placeOf({ service, operation, subject }: Request): string {
  const name = service === "objects" ? subject.slice(0, subject.lastIndexOf("/")) : subject;
  return `${operation} ${name.slice(name.lastIndexOf(":") + 1)}`;
}

const unavailable = (what: string) =>
  infrastructureError({ code: "simulation/unavailable", message: `The simulated request ${what}.` });
