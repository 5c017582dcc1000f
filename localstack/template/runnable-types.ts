/** Resource types that the local stack starts. */
export const runTypes: ReadonlySet<string> = new Set([
  "AWS::Kinesis::Stream",
  "AWS::DynamoDB::Table",
  "AWS::DynamoDB::GlobalTable",
  "AWS::S3::Bucket",
  "AWS::SQS::Queue",
  "AWS::SNS::Topic",
  "AWS::SNS::Subscription",
  "AWS::SecretsManager::Secret",
  "AWS::KinesisFirehose::DeliveryStream",
  "AWS::Lambda::Function",
  "AWS::Lambda::EventSourceMapping",
  "AWS::Lambda::Url",
  "AWS::Events::Rule",
  "AWS::Events::EventBus",
  "AWS::CloudWatch::Alarm",
]);

/** Types with nothing to run: permissions, logs, dashboards, and what other resources read from the template. */
const quietTypes: ReadonlySet<string> = new Set([
  "AWS::CDK::Metadata",
  "AWS::CloudFormation::WaitConditionHandle",
  "AWS::CloudWatch::AnomalyDetector",
  "AWS::CloudWatch::CompositeAlarm",
  "AWS::CloudWatch::Dashboard",
  "AWS::Glue::Database",
  "AWS::Glue::Table",
  "AWS::KMS::Alias",
  "AWS::KMS::Key",
  "AWS::Lambda::Alias",
  "AWS::Lambda::EventInvokeConfig",
  "AWS::Lambda::Permission",
  "AWS::Lambda::Version",
  "AWS::Logs::LogGroup",
  "AWS::Logs::LogStream",
  "AWS::Logs::MetricFilter",
  "AWS::Logs::QueryDefinition",
  "AWS::S3::BucketPolicy",
  "AWS::SQS::QueuePolicy",
  "AWS::SNS::TopicPolicy",
  "AWS::Athena::NamedQuery",
  "AWS::Athena::WorkGroup",
  "AWS::LakeFormation::Permissions",
  "AWS::LakeFormation::PrincipalPermissions",
  "Custom::S3AutoDeleteObjects",
  "Custom::LogRetention",
]);

const quietServices: readonly string[] = ["AWS::CodeDeploy::", "AWS::IAM::"];

/** Whether nothing is missing when this type is not started. */
export function needsNoRunning(type: string): boolean {
  return quietTypes.has(type) || quietServices.some((prefix) => type.startsWith(prefix));
}
