import { bytesOf } from "../base64.ts";
import { KINESIS } from "./declare.ts";

/** The bytes of a record's payload. @throws poison error `kinesis/base64` */
export const payloadOf = (base64: string): Buffer => bytesOf(base64, KINESIS);
