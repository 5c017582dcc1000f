import tseslint from "typescript-eslint";
import importX from "eslint-plugin-import-x";

/** What each folder of lib/ may import of lib/: docs/decisions/0001-layers.md. `errors.ts` and `schema.ts` are for all. */
const layers = {
  time: [],
  windows: ["time"],
  aggregates: ["time"],
  formats: [],
  state: ["time"],
  operators: ["time", "windows", "aggregates", "state"],
  pipeline: ["time", "windows", "aggregates", "state", "operators"],
  plan: ["time", "windows", "aggregates", "state", "operators", "pipeline"],
  runtime: ["time", "state", "operators"],
  connectors: ["time", "state", "operators", "pipeline", "runtime", "formats"],
  dynamodb: ["state"],
  s3: ["state"],
  lambda: ["time", "state", "pipeline", "plan", "runtime", "connectors", "dynamodb", "s3"],
  cdk: ["time", "state", "operators", "pipeline", "plan", "connectors"],
  testing: ["time", "state", "operators", "pipeline", "plan", "runtime", "connectors"],
};

const zones = Object.entries(layers).map(([folder, allowed]) => ({
  target: `./lib/${folder}`,
  from: "./lib",
  except: [`./${folder}`, "./errors.ts", "./schema.ts", ...allowed.map((name) => `./${name}`)],
  message: `lib/${folder} imports only ${allowed.join(", ") || "what is beside it"} (docs/decisions/0001-layers.md).`,
}));

/** Folders without I/O, AWS, clock, randomness or environment. */
const core = ["pipeline", "plan", "time", "windows", "aggregates", "operators", "state", "runtime"];

export default tseslint.config(
  { ignores: ["node_modules/", "cdk.out/", ".millrace/", "dist/", "**/*.js"] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { "import-x": importX },
    settings: { "import-x/resolver-next": [importX.createNodeResolver({ extensions: [".ts", ".js"] })] },
    rules: {
      "max-lines": ["error", { max: 350, skipBlankLines: false, skipComments: false }],
      "no-restricted-exports": "off",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/require-await": "off", // an in-memory implementation of an asynchronous interface awaits nothing
      "@typescript-eslint/no-empty-object-type": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "import-x/no-restricted-paths": [
        "error",
        {
          zones: [
            ...zones,
            {
              target: "./lib",
              from: ["./localstack", "./infra", "./functions", "./test"],
              message: "The library stands alone.",
            },
            {
              target: [
                "./lib/pipeline",
                "./lib/plan",
                "./lib/operators",
                "./lib/runtime",
                "./lib/lambda",
                "./functions",
              ],
              from: "./lib/connectors/**/provision.ts",
              message: "Provisioning is imported by lib/cdk alone: CDK stays out of bundles.",
            },
            {
              target: ["./localstack/!(start)/**", "./localstack/*.ts"],
              from: "./lib",
              message: "The local stack stands in for AWS: it reads templates and bundles, and knows no pipeline.",
            },
          ],
        },
      ],
    },
  },
  {
    files: core.map((folder) => `lib/${folder}/**/*.ts`),
    ignores: ["**/*.test.ts"],
    rules: {
      "no-restricted-globals": ["error", "process", "fetch", "setTimeout", "setInterval", "performance"],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "The core has no clock: it is injected." },
        { object: "Math", property: "random", message: "The core has no randomness: it is injected." },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: "The core has no clock: it is injected.",
        },
      ],
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: [
                "@aws-sdk/*",
                "@smithy/*",
                "@middy/*",
                "@aws-lambda-powertools/*",
                "aws-cdk-lib",
                "aws-cdk-lib/*",
              ],
              message: "The core knows no AWS.",
            },
            {
              group: [
                "node:fs",
                "node:fs/*",
                "node:http",
                "node:net",
                "node:process",
                "node:timers",
                "node:timers/*",
                "node:child_process",
              ],
              message: "The core does no I/O.",
            },
          ],
        },
      ],
    },
  },
  {
    files: ["**/*.test.ts", "test/**/*.ts"],
    rules: { "@typescript-eslint/no-unsafe-assignment": "off", "@typescript-eslint/unbound-method": "off" },
  },
);
