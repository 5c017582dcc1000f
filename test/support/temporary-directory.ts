import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, onTestFinished } from "vitest";

/** An empty directory, which goes with the test that runs, or with the file where none does yet. */
export function temporaryDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `millrace-${name}-`));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  if (expect.getState().currentTestName === undefined) afterAll(remove);
  else onTestFinished(remove);
  return directory;
}
