import { Duration } from "aws-cdk-lib";
import { Rule, RuleTargetInput, Schedule } from "aws-cdk-lib/aws-events";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";

/** The message that has a stage look after all of its tasks, as `runtime/tick.ts` reads it. */
export const SWEEP = { type: "sweep" } as const;

/**
 * How often a stage is swept (X11). A stream keeps records for 24 hours at least, and lists a closed shard for as
 * long: at four sweeps a day each closed shard is seen while it is listed, even when two in a row fail. What must not
 * expire is kept for 30 days, so that an outage of weeks is no loss either.
 */
const EVERY = Duration.hours(6);

/** A delivery is tried for this long; then it counts as failed, which is alarmed, and the next one comes by itself. */
const TRIED_FOR = Duration.hours(1);

/**
 * The schedule that sends a sweep to a stage's tick queue.
 *
 * It has no dead-letter queue: a sweep is worth nothing later, and EventBridge does not count as failed what it sets
 * aside in one, so that the alarm on FailedInvocations would see nothing.
 */
export function sweepSchedule(scope: Construct, id: string, stage: string, ticks: Queue): Rule {
  const rule = new Rule(scope, id, {
    description: `Millrace: has the stage ${stage} look after its idle tasks`,
    schedule: Schedule.rate(EVERY),
  });
  rule.addTarget({
    bind: () => ({
      arn: ticks.queueArn,
      input: RuleTargetInput.fromObject(SWEEP),
      retryPolicy: { maximumEventAgeInSeconds: TRIED_FOR.toSeconds() },
    }),
  });
  // CDK's own target would allow more than sending.
  ticks.addToResourcePolicy(
    new PolicyStatement({
      sid: "TakeSweeps",
      principals: [new ServicePrincipal("events.amazonaws.com")],
      actions: ["sqs:SendMessage"],
      resources: [ticks.queueArn],
      conditions: { ArnEquals: { "aws:SourceArn": rule.ruleArn } },
    }),
  );
  return rule;
}
