import { Stack, Validations } from "aws-cdk-lib";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";

/** Says why a rule of cdk-nag does not apply to one construct. */
export function acknowledge(construct: Construct, id: string, reason: string): void {
  Validations.of(construct).acknowledge({ id, reason });
}

/** Says why a role may do something to every object below a prefix: S3 has no other way to name them. */
export function acknowledgePrefix(role: Construct, bucket: Bucket, prefix: string, reason: string): void {
  const resource: unknown = Stack.of(bucket).resolve(bucket.bucketArn);
  // As cdk-nag writes the attribute of a resource.
  const logicalId = (resource as { "Fn::GetAtt": [string] })["Fn::GetAtt"][0];
  acknowledge(role, `AwsSolutions-IAM5[Resource::<${logicalId}.Arn>/${prefix}*]`, reason);
}
