import { lambdaHandler } from "millrace/lambda";
import { ofKinesis } from "./pipelines.ts";

export const handler = lambdaHandler(ofKinesis);
