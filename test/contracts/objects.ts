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

    test("what begins with a prefix is listed, and what is deleted is gone", async () => {
      const objects = await make();
      const keys = ["checkpoints/p:0:s:s.0:a/10-x", "checkpoints/p:0:s:s.0:a/9-y", "checkpoints/p:0:s:s.0:ab/9-z"];
      for (const key of keys) await objects.put(key, Buffer.from(key));
      expect((await objects.list("checkpoints/p:0:s:s.0:a/")).toSorted()).toEqual(keys.slice(0, 2));
      await objects.delete([keys[0]!, "checkpoints/p:0:s:s.0:a/never-put"]);
      expect(await objects.get(keys[0]!)).toBeUndefined();
      expect(await objects.list("checkpoints/p:0:s:s.0:a")).toHaveLength(2);
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
