import type { Address } from "../plan/bindings.ts";
import type { UnorderedRuntime } from "../runtime/unordered/unordered-runtime.ts";
import type { Services } from "./services.ts";

/** What a source without order is given to work with. */
export interface UnorderedWork {
  readonly address: Address;
  readonly services: Services;
  readonly runtime: UnorderedRuntime;
  /** Is told what failed and will come again. @param what it was */
  readonly failed: (what: string, thrown: unknown) => void;
  /** Is told what is worth a line in the log. */
  readonly notice: (what: string, text: string) => void;
}

/** The face, while a function runs, of a source whose records have no order: it is asked for nothing, and keeps nothing. */
export interface UnorderedConnector {
  /** Whether an event is of the mapping of this source. */
  isEvent(event: unknown, address: Address): boolean;
  /**
   * Works off an event.
   *
   * @returns what Lambda calls the messages that must come again: of a group that has an order, all from the first that failed on
   * @throws systemic errors for events of another shape than Lambda gives them
   */
  work(event: unknown, work: UnorderedWork): Promise<readonly string[]>;
}
