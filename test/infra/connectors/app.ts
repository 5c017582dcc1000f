import { App } from "aws-cdk-lib";
import { addConnectors } from "./stack.ts";

addConnectors(new App());
