import type { CheckpointPointer, SinkProgress } from "../../lib/state/changelog.ts";
import type { StoredCommit } from "../../lib/state/commit.ts";
import type { Delivery } from "../../lib/runtime/sink-writer.ts";
import { TICKS } from "../../lib/runtime/tick.ts";
import type { Configuration } from "./configuration.ts";
import type { Process, State } from "./system.ts";
import { logOf, type Request, type World } from "./world.ts";

/**
 * Which orders need not be tried (docs/exhaustive-search.md has the argument): a step that commutes with everything
 * that others may do before it is taken at once.
 */
export class Reduction {
  readonly #isStill: boolean;
  readonly #deletesObjects: boolean;
  readonly #deletesCommits: boolean;
  readonly #isOneAtATime: boolean;

  constructor({ arrivals, expiry, messages = [], warm = 0, reentrant }: Configuration) {
    this.#isStill = arrivals !== true;
    this.#deletesCommits = expiry === true;
    this.#deletesObjects = messages.some(({ type }) => type === "sweep");
    this.#isOneAtATime = warm === 0 && reentrant !== true;
  }

  /** Whether what may begin begins before anything else happens: its first request still comes at any later moment. */
  get startsAtOnce(): boolean {
    return this.#isStill && this.#isOneAtATime;
  }

  /**
   * Whether a process waits for one answer alone, which is the same whenever the request is carried out, and nobody
   * else can tell that it was.
   */
  isCertain({ world }: State, { moment: { waiting } }: Process): boolean {
    const [request] = waiting.values();
    return this.#isOneAtATime && waiting.size === 1 && this.#isSettled(world, request!);
  }

  #isSettled(world: World, request: Request): boolean {
    const { service, operation, args } = request;
    switch (service) {
      case "partitions":
        return this.#isStill;
      case "objects":
        if (this.#deletesObjects) return false;
        return operation === "put" || (operation === "get" && world.objects.has(args[0] as string));
      default:
        return this.changesNothing(world, request);
    }
  }

  /** Whether a write finds its work done, now and at any later moment. */
  changesNothing(world: World, { service, operation, subject, args }: Request): boolean {
    if (service === "sink") {
      const received = world.sinks.get(subject);
      return subject !== TICKS && (args[0] as readonly Delivery[]).every(({ id, body }) => received?.get(id) === body);
    }
    if (service !== "changelog") return false;
    const { item, commits } = logOf(world, args[0] as string);
    switch (operation) {
      case "append": {
        const { epoch } = args[1] as StoredCommit;
        return !this.#deletesCommits && commits.some((commit) => commit.epoch === epoch);
      }
      case "raiseDelivered":
        return (args[1] as number) <= item.delivered;
      case "raiseProgress": {
        const [there, { epoch, count }] = [item.deliveredTo[args[1] as string], args[2] as SinkProgress];
        return there !== undefined && (there.epoch > epoch || (there.epoch === epoch && there.count >= count));
      }
      case "noteLineage":
        return item.lineage !== undefined;
      case "raiseCheckpoint":
        return (args[1] as CheckpointPointer).epoch <= (item.checkpoint?.epoch ?? 0);
      default:
        return false;
    }
  }

  /** The same state without what is on its way and would change nothing wherever it lands. */
  tidied(state: State): State {
    const isIdle = ({ request }: State["adrift"][number]) =>
      this.changesNothing(state.world, request) ||
      // Nobody reads an object under a key that only its writer knew.
      (request.operation === "put" && !this.#deletesObjects);
    const adrift = state.adrift.filter((one) => !isIdle(one));
    return adrift.length === state.adrift.length ? state : { ...state, adrift };
  }
}
