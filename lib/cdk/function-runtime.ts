import { Runtime } from "aws-cdk-lib/aws-lambda";

/** What all functions run on. What Millrace takes is measured on the same (bench/harness/function-node). */
export const FUNCTION_RUNTIME = Runtime.NODEJS_22_X;
