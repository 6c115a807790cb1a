/** What is watched, who is told, and one page to look at. */
import { RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import * as actions from "aws-cdk-lib/aws-cloudwatch-actions";
import * as iam from "aws-cdk-lib/aws-iam";
import * as kms from "aws-cdk-lib/aws-kms";
import * as sns from "aws-cdk-lib/aws-sns";
import * as subscriptions from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";

import { conditions, type Condition, type Watched } from "./alarms.js";
import { dashboard } from "./dashboard.js";
import type { Settings } from "./settings.js";

export class OperationsStack extends Stack {
  constructor(scope: Construct, id: string, settings: Settings, watched: Watched, props: StackProps) {
    super(scope, id, props);
    const topic = this.topic(settings);
    const alarms = conditions(watched).map((condition) => this.alarm(condition, settings, topic));
    dashboard(this, settings, watched, alarms);
  }

  private topic({ installation, alarmEmail }: Settings): sns.Topic {
    const key = new kms.Key(this, "AlarmKey", {
      description: `${installation} alarms`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // AWS's own key of SNS does not let CloudWatch write.
    key.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: "CloudWatchTells",
        principals: [new iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["kms:Decrypt", "kms:GenerateDataKey"],
        // Of a key's own policy: this key.
        resources: ["*"],
        conditions: { StringEquals: { "aws:SourceAccount": this.account } },
      }),
    );
    const topic = new sns.Topic(this, "Alarms", {
      topicName: `${installation}-alarms`,
      displayName: `${installation} alarms`,
      enforceSSL: true,
      masterKey: key,
    });
    topic.addSubscription(new subscriptions.EmailSubscription(alarmEmail));
    return topic;
  }

  private alarm(condition: Condition, { installation }: Settings, topic: sns.Topic): cloudwatch.Alarm {
    const { name, says, metric, above, below, of, atLeast, silence } = condition;
    const alarm = new cloudwatch.Alarm(this, name, {
      alarmName: `${installation}-${name}`,
      alarmDescription: `${says} docs/runbook.md#${name}`,
      metric,
      threshold: above ?? below ?? 0,
      comparisonOperator:
        above === undefined
          ? cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
          : cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: of,
      datapointsToAlarm: atLeast,
      treatMissingData:
        silence === "breaching"
          ? cloudwatch.TreatMissingData.BREACHING
          : cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new actions.SnsAction(topic));
    alarm.addOkAction(new actions.SnsAction(topic));
    return alarm;
  }
}
