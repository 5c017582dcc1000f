import type { Caller, GatewayAnswer, GatewayRequest, Outcome } from "./exchange.ts";
import { listen, type Listener } from "./listener.ts";
import type { ServiceUsage } from "../types.ts";

/** What is particular to a service: its operations' names, its counts, its faults. */
export interface ServiceFace {
  operationOf(request: GatewayRequest): string;
  handle(request: GatewayRequest, operation: string, caller: Caller): Promise<Outcome>;
}

export type Forward = (request: GatewayRequest) => Promise<GatewayAnswer>;

/** A service as callers see it: one port for the user, one for functions, and the counts of both. */
export interface ServiceGateway {
  readonly userOrigin: string;
  readonly functionOrigin: string;
  usage(): ServiceUsage;
  /** Counts a request that came another way, such as a delivery stream's own write to S3. */
  count(operation: string, bytesIn: number, bytesOut: number): void;
  close(): Promise<void>;
}

/** The face may need to know the ports, so it is made when they are there. */
export async function openGateway(
  makeFace: (origins: Readonly<Record<Caller, string>>) => ServiceFace,
): Promise<ServiceGateway> {
  const requests: Record<string, number> = {};
  let bytesIn = 0;
  let bytesOut = 0;
  // eslint-disable-next-line prefer-const -- assigned once the ports are known, and asked for before
  let face: ServiceFace | undefined;
  const count = (operation: string, received: number, sent: number) => {
    requests[operation] = (requests[operation] ?? 0) + 1;
    bytesIn += received;
    bytesOut += sent;
  };
  const open = (caller: Caller): Promise<Listener> =>
    listen(async (request) => {
      if (face === undefined) return "cut";
      const operation = face.operationOf(request);
      const outcome = await face.handle(request, operation, caller);
      count(operation, request.body.length, outcome === "cut" ? 0 : outcome.body.length);
      return outcome;
    });
  const [user, functions] = await Promise.all([open("user"), open("function")]);
  const userOrigin = `http://127.0.0.1:${user.port}`;
  const functionOrigin = `http://127.0.0.1:${functions.port}`;
  face = makeFace({ user: userOrigin, function: functionOrigin });
  return {
    userOrigin,
    functionOrigin,
    usage: () => ({ requests: { ...requests }, bytesIn, bytesOut }),
    count,
    close: async () => {
      await Promise.all([user.close(), functions.close()]);
    },
  };
}
