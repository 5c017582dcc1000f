import { Stack, Validations } from "aws-cdk-lib";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";

/** Says why a rule of cdk-nag does not apply to one construct. */
export function acknowledge(construct: Construct, id: string, reason: string): void {
  Validations.of(construct).acknowledge({ id, reason });
}

/** Says why a role may do something to every object below a prefix: S3 has no other way to name them. */
export function acknowledgePrefix(role: Construct, bucket: IBucket, prefix: string, reason: string): void {
  const arn = written(Stack.of(role).resolve(bucket.bucketArn));
  acknowledge(role, `AwsSolutions-IAM5[Resource::${arn}/${prefix}*]`, reason);
}

/** A resolved value as cdk-nag writes it: references in angle brackets. */
function written(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const [[name, argument] = []] = Object.entries(value) as [string, unknown][];
  if (name === "Fn::GetAtt") return `<${(argument as readonly string[]).join(".")}>`;
  if (name === "Fn::Join") return (argument as [string, readonly unknown[]])[1].map(written).join("");
  return `<${String(argument)}>`;
}
