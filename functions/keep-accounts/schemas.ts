import * as z from "zod";

const command = {
  /** Chosen by whoever sends it: sent twice it is decided once. */
  id: z.string().min(1),
  account: z.string().min(1),
  /** Epoch milliseconds UTC. */
  at: z.number(),
};
/** In cents. */
const amount = z.number().int().positive().max(1_000_000_000);

/** What somebody wants. Producers use the account as partition key. */
export const accountCommand = z.discriminatedUnion("type", [
  z.object({ type: z.literal("open"), ...command }),
  z.object({ type: z.literal("deposit"), ...command, amount }),
  z.object({ type: z.literal("withdraw"), ...command, amount }),
  z.object({ type: z.literal("close"), ...command }),
]);

export type Command = z.infer<typeof accountCommand>;

/** What has happened: the n-th event of its account. */
export const accountEvent = z.object({
  account: z.string(),
  sequence: z.number().int(),
  type: z.enum(["opened", "deposited", "withdrawn", "closed"]),
  /** In cents; 0 where no money moved. */
  amount: z.number().int(),
  /** In cents, after it. */
  balance: z.number().int(),
  commandId: z.string(),
  at: z.number(),
});

export type AccountEvent = z.infer<typeof accountEvent>;
