import type { Delivery } from "../../runtime/sink-writer.ts";
import { parseControlMessage, type ControlMessage } from "../../runtime/tick.ts";
import type { SimulatedClock } from "./clock.ts";
import type { Outcome } from "./environments.ts";
import type { Fault, Faults } from "./faults.ts";

/** A queue delays no message longer, in milliseconds (AWS: SQS quotas). */
const LONGEST_DELAY = 900_000;

/** How long a received message stays hidden before it comes again, in milliseconds. */
const HIDDEN = 300_000;

/** Receipts after which a message is set aside. */
const MOST_RECEIPTS = 100;

export interface TickQueueSettings {
  readonly clock: SimulatedClock;
  readonly faults: Faults;
  /** What its places of faults begin with. */
  readonly place: string;
  /** @param receives how often the message was received, this time included */
  readonly consume: (message: ControlMessage, receives: number, end: (outcome: Outcome) => void) => void;
}

/** The queue of ticks, sweeps, drains and redrives, and its mapping: at least once, in no order. */
export class TickQueue {
  readonly #settings: TickQueueSettings;
  /** Messages that are in the queue. */
  readonly waiting = new Set<ControlMessage>();

  constructor(settings: TickQueueSettings) {
    this.#settings = settings;
  }

  /** As the runtime's writer for ticks does it: delayed until they are due. */
  take({ body }: Delivery): void {
    const message = parseControlMessage(body);
    if (message === undefined) throw new Error(`The tick queue was given ${body}`);
    const { clock, faults, place } = this.#settings;
    const at = message.type === "tick" ? message.at : clock.now;
    const delay = Math.min(Math.max(Math.ceil((at - clock.now) / 1_000) * 1_000, 0), LONGEST_DELAY);
    const fault = faults.at(`${place}ticks`, ["tick-late", "tick-twice", "tick-early", "tick-lost"]);
    if (fault?.kind === "tick-lost") return;
    this.#send(message, delayWith(fault, delay));
    if (fault?.kind === "tick-twice") this.#send({ ...message }, delay + fault.draws.around(60_000));
  }

  /** @param delay milliseconds */
  send(message: ControlMessage, delay = 0): void {
    this.#send({ ...message }, delay);
  }

  #send(message: ControlMessage, delay: number, receives = 1): void {
    this.waiting.add(message);
    const { clock, consume } = this.#settings;
    clock.after(delay, () => {
      consume(message, receives, ({ kind }) => {
        if (kind !== "returned" && receives < MOST_RECEIPTS) return this.#send(message, HIDDEN, receives + 1);
        this.waiting.delete(message);
      });
    });
  }
}

function delayWith(fault: Fault | undefined, delay: number): number {
  if (fault?.kind === "tick-early") return Math.floor(delay * fault.draws.next());
  if (fault?.kind === "tick-late") return delay + Math.round(10 ** (2 + 5 * fault.draws.next())); // up to 3 hours
  return delay;
}
