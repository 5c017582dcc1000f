import tseslint from "typescript-eslint";

/** What each folder of lib/ may import of lib/: docs/decisions/0001-layers.md. Files beside the folders are for all. */
const layers = {
  time: [],
  windows: ["time"],
  aggregates: ["time", "state"],
  formats: [],
  state: ["time"],
  operators: ["time", "windows", "aggregates", "state"],
  pipeline: ["time", "windows", "aggregates", "state", "operators"],
  plan: ["time", "windows", "aggregates", "state", "operators", "pipeline"],
  runtime: ["time", "state", "operators"],
  connectors: ["time", "state", "operators", "pipeline", "plan", "runtime", "formats"],
  dynamodb: ["state"],
  s3: ["state"],
  producer: ["time", "state", "pipeline", "connectors"],
  lambda: ["time", "state", "pipeline", "plan", "runtime", "connectors", "dynamodb", "s3"],
  cdk: ["time", "state", "operators", "pipeline", "plan", "connectors"],
  testing: ["time", "state", "operators", "pipeline", "plan", "runtime", "connectors"],
};

/** Folders without I/O, AWS, clock, randomness or environment. */
const core = ["pipeline", "plan", "time", "windows", "aggregates", "operators", "state", "runtime"];

const coreImports = [
  {
    regex: "^(@aws-sdk|@smithy|@middy|@aws-lambda-powertools|aws-cdk-lib)(/|$)",
    message: "The core knows no AWS.",
  },
  {
    regex: "^node:(fs|http|https|net|process|timers|child_process|worker_threads)(/|$)",
    message: "The core does no I/O.",
  },
];

const direction = Object.entries(layers).map(([folder, names]) => {
  const message = `lib/${folder} imports only ${names.join(", ") || "what is beside it"} (docs/decisions/0001-layers.md).`;
  // Folders may have folders of their own below, at any depth: so what is forbidden is named.
  const others = Object.keys(layers).filter((name) => name !== folder && !names.includes(name));
  const upward = { regex: `^(?:\\.\\./)+(?:${others.join("|")})/`, message };
  const patterns = [upward, ...(core.includes(folder) ? coreImports : [])];
  if (folder !== "cdk") {
    patterns.push({
      regex: "^(?!\\./provision-).*/provision(-[a-z]+)?\\.ts$",
      message: "lib/cdk alone provisions: CDK stays out of bundles.",
    });
  }
  return { files: [`lib/${folder}/**/*.ts`], rules: { "no-restricted-imports": ["error", { patterns }] } };
});

export default tseslint.config(
  { ignores: ["node_modules/", "cdk.out/", "cdk.deployed/", ".millrace/", "dist/", "**/*.js"] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "max-lines": ["error", { max: 350, skipBlankLines: false, skipComments: false }],
      "no-restricted-exports": "off",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/require-await": "off", // an in-memory implementation of an asynchronous interface awaits nothing
      "@typescript-eslint/no-empty-object-type": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/consistent-type-imports": "error",
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
    },
  },
  ...direction,
  {
    files: ["localstack/**/*.ts"],
    ignores: ["localstack/start/**", "localstack/emulator/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: "(^|/)lib/|^millrace",
              message: "The local stack stands in for AWS: it reads templates and bundles, and knows no pipeline.",
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
