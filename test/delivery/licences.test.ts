import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Locked {
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly peer?: boolean;
}

const { packages } = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8")) as {
  readonly packages: Readonly<Record<string, Locked>>;
};

/** Licences whose code may be part of what is given on under Apache-2.0. */
const COMPATIBLE = new Set(["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0"]);

test("whatever comes with the package has a licence that goes with Apache-2.0", () => {
  const shipped = Object.entries(packages).filter(
    ([name, { dev, devOptional, peer }]) => name !== "" && !dev && !devOptional && !peer,
  );
  expect(shipped.length).toBeGreaterThan(20);
  expect(
    shipped
      .filter(([, { license }]) => !COMPATIBLE.has(license ?? "none"))
      .map(([name, { license }]) => [name, license]),
  ).toEqual([]);
});
