import { configDefaults, defineConfig } from "vitest/config";
import everything from "./vitest.config.ts";

/** Tests that wait for real limits, or compute for most of a minute: `npm run test:slow`. */
export default defineConfig({
  ...everything,
  test: { ...everything.test, include: ["test/**/*.slow.test.ts"], exclude: configDefaults.exclude },
});
