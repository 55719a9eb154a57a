import { App, Duration, Environment } from "aws-cdk-lib";
import { FhirSubscriptions } from "../lib/fhir-subscriptions";

const app = new App();

/** The value of `-c name=…`, or of the environment of a test or a pipeline. */
const given = (name: string, absent?: string): string => {
  const value = app.node.tryGetContext(name) ?? absent;
  if (value === undefined) throw new Error(`Give -c ${name}=…`);
  return String(value);
};

// The region is needed at synthesis: the layer of the extension has another ARN in each.
const env: Environment = { account: process.env.CDK_DEFAULT_ACCOUNT, region: given("region", process.env.CDK_DEFAULT_REGION) };

new FhirSubscriptions(app, given("stack", "hooks"), {
  env,
  fhirBaseUrl: given("fhirBaseUrl"),
  fhirServer: given("fhirServer", "auto"),
  fhirVersion: given("fhirVersion", "R4"),
  fhirAuthSecretArn: app.node.tryGetContext("fhirAuthSecretArn"),
  queue: given("queue", "no") === "yes",
  prune: given("prune", "no") === "yes",
  alarmEmail: app.node.tryGetContext("alarmEmail"),
  sweepEvery: Duration.minutes(5),
});
