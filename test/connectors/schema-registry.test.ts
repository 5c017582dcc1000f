import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { schemaRegistry } from "../../lib/connectors/schema-registry/registry.ts";
import type { Services } from "../../lib/connectors/services.ts";
import { RegistryServer } from "./registry-server.ts";

const SECRET = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:registry-a1b2c3";

let server: RegistryServer;
let now: number;
let waits: number[];
/** What the secret is each time that it is read; the last one from then on. */
let secrets: string[];
beforeEach(async () => {
  server = await RegistryServer.start();
  now = 1_000;
  waits = [];
  secrets = [];
});
afterEach(() => server.stop());

const services: Services = {
  aws: {
    of: () => ({ send: async () => ({ SecretString: secrets.length > 1 ? secrets.shift() : secrets[0] }) }) as never,
  },
  now: () => now,
  wait: async (millis) => void waits.push(millis),
};
const open = (login?: string) =>
  schemaRegistry({ registryUrl: `${server.url}/`, ...(login && { registryLogin: login }) }, services);
const seven = Buffer.from([14]);

describe("schemas", () => {
  test("are asked for once, however many tasks need them, and known from then on", async () => {
    server.register(1, '"int"');
    server.register(2, '"string"');
    const registry = open();
    await Promise.all([registry.fetch([1, 2]), registry.fetch([2, 1]), registry.fetch([1])]);
    await registry.fetch([1, 2]);
    expect(server.asked.toSorted()).toEqual([1, 2]);
    expect(registry.readerOf(1)(seven)).toBe(7);
  });

  test("that are not there are told of each record, and asked for again a minute later", async () => {
    const registry = open();
    await registry.fetch([1]);
    await registry.fetch([1]);
    expect(server.asked).toEqual([1]);
    expect(() => registry.readerOf(1)).toThrow(expect.objectContaining({ kind: "poison", code: "avro/no-schema" }));
    server.register(1, '"int"');
    now += 60_000;
    await registry.fetch([1]);
    expect(registry.readerOf(1)(seven)).toBe(7);
  });

  test.each<[string, unknown, object]>([
    ["of another kind", "syntax = 'proto3';", { schemaType: "PROTOBUF" }],
    ["that refer to others", '"other"', { references: [{ name: "other", subject: "other", version: 1 }] }],
    ["that are none", '{"type":"record"}', {}],
    ["that are larger than any", { type: "int", doc: "x".repeat(5_000_000) }, {}],
  ])("%s are told of each record", async (_what, schema, more) => {
    server.register(1, schema, more);
    const registry = open();
    await registry.fetch([1]);
    expect(() => registry.readerOf(1)).toThrow(expect.objectContaining({ kind: "poison", code: "avro/schema" }));
  });

  test("are forgotten when there are too many, the oldest first, and never those of the batch", async () => {
    for (let id = 0; id <= 1_000; id++) server.register(id, '"int"');
    const registry = open();
    await registry.fetch([0, 1]);
    await registry.fetch(Array.from({ length: 999 }, (_, i) => i + 2).concat(0));
    expect(registry.readerOf(0)(seven)).toBe(7);
    expect(() => registry.readerOf(1)).toThrow(
      expect.objectContaining({ kind: "systemic", code: "registry/forgotten" }),
    );
    await registry.fetch([1]);
    expect(registry.readerOf(1)(seven)).toBe(7);
  });
});

describe("a registry", () => {
  const times = (n: number, answer: (response: ServerResponse) => void) => {
    let left = n;
    server.answer = (_id, response) => {
      if (left-- <= 0) return false;
      answer(response);
      return true;
    };
  };

  test("that fails is asked again, with growing waits", async () => {
    server.register(1, '"int"');
    times(3, (response) => void response.writeHead(503).end());
    const registry = open();
    await registry.fetch([1]);
    expect(registry.readerOf(1)(seven)).toBe(7);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits).toHaveLength(3);
  });

  test.each<[string, (response: ServerResponse) => void]>([
    ["answers with errors", (response) => void response.writeHead(500).end()],
    ["hangs up", (response) => void response.destroy()],
    ["answers something else", (response) => void response.writeHead(200).end("<html>")],
    ["sends us elsewhere", (response) => void response.writeHead(302, { location: "/schemas/ids/2" }).end()],
  ])("that %s for long has the batch come again", async (_what, answer) => {
    server.register(2, '"int"');
    server.answer = (id, response) => {
      if (id === 1) answer(response);
      return id === 1;
    };
    const registry = open();
    await expect(registry.fetch([1])).rejects.toMatchObject({ kind: "infrastructure", code: "registry/failed" });
    // And then it is there.
    server.answer = undefined;
    server.register(1, '"int"');
    await registry.fetch([1]);
    expect(registry.readerOf(1)(seven)).toBe(7);
  });

  test("that wants a login is given the secret's", async () => {
    server.login = "ann:correct horse";
    server.register(1, '"int"');
    secrets = ['{"username":"ann","password":"correct horse"}'];
    const registry = open(SECRET);
    await registry.fetch([1]);
    expect(registry.readerOf(1)(seven)).toBe(7);
  });

  test("whose login was changed is given the new one", async () => {
    server.login = "ann:new";
    server.register(1, '"int"');
    secrets = ['{"username":"ann","password":"old"}', '{"username":"ann","password":"new"}'];
    const registry = open(SECRET);
    await registry.fetch([1]);
    expect(registry.readerOf(1)(seven)).toBe(7);
  });

  test.each([
    ["refuses the login", '{"username":"ann","password":"a secret"}', "registry/refused"],
    ["has a login that is none", "a secret", "registry/login"],
  ])("that %s stops the task, and the secret is not told", async (_what, secret, code) => {
    server.login = "ann:correct horse";
    secrets = [secret];
    const failed = await open(SECRET)
      .fetch([1])
      .catch((thrown: unknown) => thrown as Error);
    expect(failed).toMatchObject({ kind: "systemic", code });
    expect(JSON.stringify(failed) + String(failed)).not.toContain("a secret");
  });
});
