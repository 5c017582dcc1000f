import { describe, expect, test } from "vitest";
import type { ObjectStore } from "../../lib/state/object-store.ts";

/** What every object store must do. */
export function objectsContract(name: string, make: () => Promise<ObjectStore>): void {
  describe(`object store contract: ${name}`, () => {
    test("an object comes back as it was put", async () => {
      const objects = await make();
      const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 251));
      await objects.put("checkpoints/p:0:s:s.0:shardId-000000000000/7-a_-B", bytes);
      expect(Buffer.compare((await objects.get("checkpoints/p:0:s:s.0:shardId-000000000000/7-a_-B"))!, bytes)).toBe(0);
    });

    test("what was never put is nothing, and no error", async () => {
      expect(await (await make()).get("checkpoints/none")).toBeUndefined();
    });

    test("changing the bytes after a put changes nothing that is stored", async () => {
      const objects = await make();
      const bytes = Buffer.from("abc");
      await objects.put("k", bytes);
      bytes[0] = 0;
      expect(Buffer.from((await objects.get("k"))!).toString()).toBe("abc");
    });
  });
}
