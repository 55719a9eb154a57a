import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import * as kms from "aws-cdk-lib/aws-kms";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as sns from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

export interface WatchProps {
  readonly program: lambda.IFunction;
  readonly key: kms.IKey;
  /** The dead-letter queue of the queue, if there is one. */
  readonly unhandled?: sqs.IQueue;
  readonly email?: string;
  readonly lag: Duration;
}

/** The alarms and the dashboard. docs/operate.md says what each metric counts. */
export class Watch extends Construct {
  private readonly topic: sns.Topic;

  constructor(scope: Construct, id: string, private readonly props: WatchProps) {
    super(scope, id);
    this.topic = new sns.Topic(this, "Alarms", { masterKey: props.key });
    if (props.email) this.topic.addSubscription(new EmailSubscription(props.email));

    const lag = new cloudwatch.MathExpression({
      expression: "milliseconds / 1000",
      label: "Lag",
      usingMetrics: { milliseconds: this.metric("Lag", "Maximum") },
      period: Duration.minutes(5),
    });
    this.alarm("Lag", lag, props.lag.toSeconds(), "An event was handled late: is the FHIR server late, or the handler slow?");
    const counted = (name: string, threshold: number, description: string) =>
      this.alarm(name, this.metric(name, "Sum"), threshold, description);
    // A sweep that runs each 15 minutes tries again in each of the three.
    const quarter = Duration.minutes(15);
    const twice = { evaluationPeriods: 3, datapointsToAlarm: 2 };
    const lasting = (name: string, description: string) =>
      this.alarm(name, this.metric(name, "Sum", quarter), 0, description, twice);
    counted("Gap", 0, "Events of a topic did not come, and could not be found.");
    counted("GivenUp", 0, "There are new dead letters: `dead-letters` lists them.");
    lasting("Failed", "Events fail, and fail again in the next quarters of an hour.");
    counted("Refused", 20, "Requests are refused: does the FHIR server have the right secret?");
    lasting("SweepFailed", "A sweep fails: what no notification reported is not found.");
    counted("HeartbeatsMissed", 0, "The FHIR server has stopped to send heartbeats of a subscription.");

    // Sweeps in an hour without one that ends, or whose position stays behind: the program may not run at all.
    const age = this.metric("SweepAge", "Maximum", Duration.hours(1));
    const tooOld = "No sweep has ended for an hour, or the sweeps do not come further.";
    const treatMissingData = cloudwatch.TreatMissingData.BREACHING;
    this.alarm("SweepAge", age, Duration.hours(2).toMilliseconds(), tooOld, { treatMissingData });

    this.alarm("Errors", props.program.metricErrors(), 0, "Invocations of the function fail: see its log.");
    const refused = "AWS refuses to run the function: raise its reserved concurrency, or the account's limit.";
    this.alarm("Throttles", props.program.metricThrottles({ period: quarter }), 0, refused, twice);
    if (props.unhandled) {
      const waiting = props.unhandled.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum" });
      this.alarm("Unhandled", waiting, 0, "Messages of the queue could not be handled: they wait in the dead-letter queue.");
    }
    this.dashboard();
  }

  /** A metric of the whole program, as the function writes it into its log. */
  private metric(metricName: string, statistic: string, period = Duration.minutes(5)): cloudwatch.Metric {
    const dimensionsMap = { function: this.props.program.functionName };
    return new cloudwatch.Metric({ namespace: "fhir-sub", metricName, statistic, period, dimensionsMap });
  }

  private alarm(
    name: string,
    metric: cloudwatch.IMetric,
    threshold: number,
    alarmDescription: string,
    others: Partial<cloudwatch.AlarmProps> = {},
  ): void {
    const comparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD;
    const alarm = new cloudwatch.Alarm(this, `${name}Alarm`, {
      metric,
      threshold,
      alarmDescription,
      comparisonOperator,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      ...others,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
  }

  private dashboard(): void {
    const sums = (...names: string[]) => names.map((name) => this.metric(name, "Sum"));
    const graph = (title: string, left: cloudwatch.IMetric[], right: cloudwatch.IMetric[] = [], stacked = false) =>
      new cloudwatch.GraphWidget({ title, left, right, stacked, width: 12 });
    const handled = new cloudwatch.SearchExpression({
      expression: `SEARCH('{"fhir-sub",function,endpoint} MetricName="Handled" function="${this.props.program.functionName}"', 'Sum', 300)`,
    });
    const dashboard = new cloudwatch.Dashboard(this, "Dashboard");
    dashboard.addWidgets(
      graph("Events", sums("Handled", "Repeated", "Failed", "GivenUp", "Refused", "Gone"), [], true),
      graph(
        "Time of a request, and lag (ms)",
        [this.metric("Duration", "p50"), this.metric("Duration", "p99")],
        [this.metric("Lag", "p50"), this.metric("Lag", "Maximum")],
      ),
    );
    dashboard.addWidgets(
      graph("Sweeps", sums("Swept", "SweepUnderWay", "SweepFailed"), [this.metric("SweepAge", "Maximum")]),
      graph("What did not come", sums("Gap", "HeartbeatsMissed")),
    );
    const { program } = this.props;
    dashboard.addWidgets(
      graph("Each endpoint: handled", [handled]),
      graph("The function", [program.metricInvocations(), program.metricErrors(), program.metricThrottles(), ...sums("ColdStart")]),
    );
  }
}
