/** A build that cannot be loaded: every invocation ends without an answer. */
export const handler = (): never => process.exit(1);
