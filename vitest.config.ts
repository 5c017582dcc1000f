import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^millrace$/, replacement: at("lib/index.ts") },
      { find: /^millrace\/local$/, replacement: at("localstack/index.ts") },
      { find: /^millrace\/(lambda|cdk|testing)$/, replacement: at("lib/$1/index.ts") },
    ],
  },
  test: {
    include: ["{lib,functions,infra,localstack,test,bench}/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
