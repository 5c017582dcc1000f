import { departuresIn } from "./engine/data.ts"; import { bundledEntry } from "./harness/entries.ts";
await departuresIn(200_000); await departuresIn(1_200_000);
bundledEntry("engine/millrace/flights-entry");
