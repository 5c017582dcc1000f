import { infrastructureError, poisonError, systemicError } from "../errors.ts";

export const tooLarge = (bytes: number, most: number) =>
  poisonError({
    code: "producer/too-large",
    message: `An event takes ${bytes} bytes as JSON; ${most} are possible.`,
    advice: "Put what is large on S3, and its key into the event.",
  });

export const timedOut = (reason: string, millis: number) =>
  infrastructureError({
    code: "producer/timeout",
    message: `The stream did not take the event within ${millis} ms (${reason}).`,
    advice: "It may be there all the same, if an answer was lost: send it again only where the pipeline deduplicates.",
  });

export const refused = (reason: string, cause: unknown) =>
  systemicError({ code: "producer/refused", message: `The stream refuses what this producer puts: ${reason}`, cause });

export const closed = () =>
  systemicError({ code: "producer/closed", message: "The producer was closed: it takes no more." });
