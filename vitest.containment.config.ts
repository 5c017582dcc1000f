import { configDefaults, defineConfig } from "vitest/config";
import everything from "./vitest.config.ts";

/** Tests that wait for real limits, most of a minute: `npm run test:containment`. */
export default defineConfig({
  ...everything,
  test: { ...everything.test, include: ["test/**/*.slow.test.ts"], exclude: configDefaults.exclude },
});
