import { configDefaults, defineConfig } from "vitest/config";
import everything from "./vitest.config.ts";

/** Tests on a broker of Apache Kafka, which is fetched where it is not there yet and needs Java 17: `npm run test:kafka`. */
export default defineConfig({
  ...everything,
  test: {
    ...everything.test,
    include: ["test/kafka/**/*.broker.ts"],
    exclude: configDefaults.exclude,
    globalSetup: "test/kafka/setup.ts",
    // One broker, and one local stack at a time.
    fileParallelism: false,
    testTimeout: 240_000,
  },
});
