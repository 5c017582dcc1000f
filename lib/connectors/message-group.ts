import { createHash } from "node:crypto";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What SQS and SNS take for a group's id (AWS: SQS API reference, MessageGroupId). */
const GROUP = /^[\x21-\x7e]{1,128}$/;

/** A group's id: the text itself where that is one, else its SHA-256. */
export const groupIdOf = (text: string): string => (GROUP.test(text) ? text : sha256(text));

/** An id by which SQS and SNS drop repeats for five minutes: theirs hold 128 characters, which an output's may exceed. */
export const deduplicationIdOf = (outputId: string): string => sha256(outputId);
