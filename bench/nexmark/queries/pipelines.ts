import q0 from "./q0/pipeline.ts";
import q1 from "./q1/pipeline.ts";
import q2 from "./q2/pipeline.ts";
import q4 from "./q4/pipeline.ts";
import q5 from "./q5/pipeline.ts";
import q7 from "./q7/pipeline.ts";
import q11 from "./q11/pipeline.ts";
import q12 from "./q12/pipeline.ts";
import q14 from "./q14/pipeline.ts";
import q15 from "./q15/pipeline.ts";
import q16 from "./q16/pipeline.ts";
import q17 from "./q17/pipeline.ts";
import q18 from "./q18/pipeline.ts";
import q19 from "./q19/pipeline.ts";
import q21 from "./q21/pipeline.ts";
import q22 from "./q22/pipeline.ts";

/** The queries' pipelines by their names: apart from what is read beside them, so that a bundle can hold them. */
export const PIPELINES = { q0, q1, q2, q4, q5, q7, q11, q12, q14, q15, q16, q17, q18, q19, q21, q22 } as const;
