import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^millrace$/, replacement: at("lib/index.ts") },
      { find: /^millrace\/local$/, replacement: at("localstack/index.ts") },
      { find: /^millrace\/views$/, replacement: at("lib/connectors/view/index.ts") },
      { find: /^millrace\/replication$/, replacement: at("lib/connectors/replication/index.ts") },
      { find: /^millrace\/(lambda|cdk|testing|producer)$/, replacement: at("lib/$1/index.ts") },
    ],
  },
  test: {
    include: ["{lib,functions,infra,localstack,test,bench}/**/*.test.ts"],
    // Those that wait for real limits, or compute for long: vitest.slow.config.ts.
    exclude: [...configDefaults.exclude, "**/*.slow.test.ts"],
    // Vitest leaves one core idle: half of a small machine.
    maxWorkers: "100%",
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
