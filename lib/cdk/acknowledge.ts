import { Stack, Validations } from "aws-cdk-lib";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";

/** Says why a rule of cdk-nag does not apply to one construct. */
export function acknowledge(construct: Construct, id: string, reason: string): void {
  Validations.of(construct).acknowledge({ id, reason });
}

/** Says why a role may do something to every object below a prefix: S3 has no other way to name them. */
export function acknowledgePrefix(role: Construct, bucket: IBucket, prefix: string, reason: string): void {
  acknowledgeResource(role, `${bucket.bucketArn}/${prefix}*`, reason);
}

/** Says why a role may do something to what an ARN with a `*` means. */
export function acknowledgeResource(role: Construct, resource: string, reason: string): void {
  acknowledge(role, `AwsSolutions-IAM5[Resource::${written(Stack.of(role).resolve(resource))}]`, reason);
}

/** Says why a function's runtime is not Lambda's newest. */
export function acknowledgeRuntime(target: Construct): void {
  acknowledge(
    target,
    "AwsSolutions-L1",
    "Node 22 is supported, and the oldest that Lambda's stream features and this library's tests agree on; a newer one is a change that is tested first.",
  );
}

/** A resolved value as cdk-nag writes it: references in angle brackets. */
function written(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const [[name, argument] = []] = Object.entries(value) as [string, unknown][];
  if (name === "Fn::GetAtt") return `<${(argument as readonly string[]).join(".")}>`;
  if (name === "Fn::Join") return (argument as [string, readonly unknown[]])[1].map(written).join("");
  return `<${String(argument)}>`;
}
