import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** For entry files: listens on a free local port, tells the parent, and ends with it. */
export function listenForParent(server: Server): void {
  server.keepAliveTimeout = 60_000;
  process.once("disconnect", () => process.exit(0));
  server.listen(0, "127.0.0.1", () => {
    process.send?.((server.address() as AddressInfo).port);
  });
}
