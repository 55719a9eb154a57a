import { CustomResource, Duration, RemovalPolicy, Stack, StackProps, CfnOutput } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import * as apigateway from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import * as events from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import * as iam from "aws-cdk-lib/aws-iam";
import * as kms from "aws-cdk-lib/aws-kms";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as logs from "aws-cdk-lib/aws-logs";
import * as secrets from "aws-cdk-lib/aws-secretsmanager";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { RustFunction } from "cargo-lambda-cdk";
import { Construct } from "constructs";
import { join } from "node:path";
import { Watch } from "./watch";

/** What a program needs to know of its FHIR server. */
export interface FhirSubscriptionsProps extends StackProps {
  readonly fhirBaseUrl: string;
  readonly fhirServer: string;
  /** R4, R4B or R5. */
  readonly fhirVersion: string;
  /** A secret whose key `bearer` signs in at the FHIR server; none if the server asks for none. */
  readonly fhirAuthSecretArn?: string;
  /** Whether notifications go through a queue, for handlers that take longer than the FHIR server waits. */
  readonly queue: boolean;
  /** Whether a deployment removes Subscriptions that the program no longer has, and deleting the stack removes all. */
  readonly prune: boolean;
  readonly alarmEmail?: string;
  /** How often a sweep looks for what no notification reported. */
  readonly sweepEvery: Duration;
  /** How late an event may be handled before an alarm rings; 5 minutes. */
  readonly lag?: Duration;
}

/** The HTTP API gives up after 30 seconds. */
const TIMEOUT = Duration.seconds(29);

/** A program of fhir-sub on AWS, with all that docs/deploy.md promises. */
export class FhirSubscriptions extends Stack {
  constructor(scope: Construct, id: string, props: FhirSubscriptionsProps) {
    super(scope, id, props);

    const key = this.key();
    const secret = (name: string, description: string, passwordLength: number, removalPolicy?: RemovalPolicy) =>
      new secrets.Secret(this, name, {
        description,
        encryptionKey: key,
        generateSecretString: { passwordLength, excludePunctuation: true },
        removalPolicy,
      });
    // Whoever may read Subscriptions at the FHIR server can see it.
    const shared = secret("SharedSecret", "What the FHIR server shows with every notification", 48);
    const admin = secret("AdminSecret", "What opens /register, /sweep, /status and /dead-letters", 48);
    // It must outlive the stack as the table does: under another key, all that the server repeats is handled again.
    const storeKey = secret("StoreKey", "Makes the names of the table's records, so that they name no patient", 64, RemovalPolicy.RETAIN);

    const table = new dynamodb.Table(this, "Table", {
      partitionKey: { name: "id", type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: "expiration",
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      encryption: dynamodb.TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: key,
      removalPolicy: RemovalPolicy.RETAIN,
    });

    const unhandled = props.queue ? this.queue("Unhandled", { encryptionMasterKey: key }) : undefined;
    const queue =
      unhandled &&
      this.queue("Notifications", {
        encryptionMasterKey: key,
        visibilityTimeout: Duration.seconds(TIMEOUT.toSeconds() * 6),
        // More than FHIR_SUBSCRIPTION_TRIES, after which the program itself gives an event up. A message that waits for others of
        // its group counts as received, too.
        deadLetterQueue: { queue: unhandled, maxReceiveCount: 100 },
      });

    const logGroup = this.logGroup("Logs", `/aws/lambda/${id}`, key);
    const secretArns = [shared.secretArn, admin.secretArn, storeKey.secretArn];
    if (props.fhirAuthSecretArn) secretArns.push(props.fhirAuthSecretArn);
    const role = this.role(logGroup, table, secretArns, key, queue);

    const api = new apigateway.HttpApi(this, "Api", { apiName: id, createDefaultStage: false });
    const apiLogs = this.logGroup("ApiLogs", `/aws/apigateway/${id}`, key);
    const stage = new apigateway.HttpStage(this, "Stage", {
      httpApi: api,
      stageName: "$default",
      autoDeploy: true,
      accessLogSettings: {
        destination: new apigateway.LogGroupLogDestination(apiLogs),
        // Without the path, which may name a resource.
        format: AccessLogFormat.custom(
          '{"requestId":"$context.requestId","status":"$context.status","milliseconds":"$context.responseLatency","error":"$context.integrationErrorMessage"}',
        ),
      },
    });

    const program = new RustFunction(this, "Function", {
      manifestPath: join(__dirname, "../../../arrived-appointments/Cargo.toml"),
      binaryName: "arrived-appointments",
      bundling: { architecture: lambda.Architecture.ARM_64, cargoLambdaFlags: ["--features", "aws"] },
      architecture: lambda.Architecture.ARM_64,
      runtime: "provided.al2023",
      memorySize: 256,
      timeout: TIMEOUT,
      // All that the role may do stands in `role` below: nothing adds to it.
      role: role.withoutPolicyUpdates(),
      environmentEncryption: key,
      logGroup,
      paramsAndSecrets: lambda.ParamsAndSecretsLayerVersion.fromVersion(lambda.ParamsAndSecretsVersions.V1_0_103, {
        // The program caches secrets itself, and asks again at most once a minute. A cache before it would hide a rotation.
        secretsManagerTtl: Duration.seconds(0),
        parameterStoreTtl: Duration.seconds(0),
      }),
      environment: {
        APP_BASE_URL: api.apiEndpoint,
        FHIR_BASE_URL: props.fhirBaseUrl,
        FHIR_SERVER: props.fhirServer,
        FHIR_VERSION: props.fhirVersion,
        ...(props.fhirAuthSecretArn ? { FHIR_AUTH_BEARER: `secretsmanager:${props.fhirAuthSecretArn}#bearer` } : {}),
        FHIR_SUBSCRIPTION_SECRET: `secretsmanager:${shared.secretArn}`,
        FHIR_SUBSCRIPTION_ADMIN_SECRET: `secretsmanager:${admin.secretArn}`,
        FHIR_SUBSCRIPTION_STORE_KEY: `secretsmanager:${storeKey.secretArn}`,
        FHIR_SUBSCRIPTION_IDEMPOTENCY: `dynamodb:${table.tableName}`,
        ...(queue ? { FHIR_SUBSCRIPTION_QUEUE: queue.queueUrl } : {}),
      },
    });
    skipChecks(program.node.defaultChild as lambda.CfnFunction, {
      CKV_AWS_115: "A limit of concurrency would refuse notifications. Set one if other functions of the account need it.",
      CKV_AWS_116: "Only the schedule invokes the function asynchronously. The next sweep repeats a lost one, and an alarm rings.",
      CKV_AWS_117: "The FHIR server is reached over the internet. Set vpc if yours is in a VPC.",
    });
    const live = new lambda.Alias(this, "Live", { aliasName: "live", version: program.currentVersion });

    const routes = api.addRoutes({ path: "/{proxy+}", integration: new HttpLambdaIntegration("Integration", live) });
    new events.Rule(this, "Sweep", {
      schedule: events.Schedule.rate(props.sweepEvery),
      targets: [new LambdaFunction(live)],
    });
    if (queue) {
      new lambda.EventSourceMapping(this, "FromTheQueue", {
        target: live,
        eventSourceArn: queue.queueArn,
        batchSize: 10,
        reportBatchItemFailures: true,
      });
    }

    // The function registers the subscriptions when the stack is created, and whenever it has a new version.
    const subscriptions = new CustomResource(this, "Subscriptions", {
      resourceType: "Custom::FhirSubscriptions",
      serviceToken: live.functionArn,
      serviceTimeout: Duration.seconds(120),
      properties: { Version: program.currentVersion.functionArn, Prune: props.prune },
    });
    subscriptions.node.addDependency(stage, ...routes);

    new Watch(this, "Watch", { program, key, unhandled, email: props.alarmEmail, lag: props.lag ?? Duration.minutes(5) });

    new CfnOutput(this, "Url", { value: api.apiEndpoint, description: "The public URL, under which the FHIR server calls the endpoints" });
    new CfnOutput(this, "AdminSecretArn", { value: admin.secretArn, description: "The secret of /register, /sweep, /status and /dead-letters" });
  }

  /** The program with these settings needs this and nothing else: `check --iam` prints the same. */
  private role(logGroup: logs.ILogGroup, table: dynamodb.ITable, secretArns: string[], key: kms.IKey, queue?: sqs.IQueue): iam.Role {
    const via = (...services: string[]) => ({
      StringEquals: { "kms:ViaService": services.map((service) => `${service}.${this.region}.amazonaws.com`) },
    });
    const statements = [
      new iam.PolicyStatement({ sid: "Logs", actions: ["logs:CreateLogStream", "logs:PutLogEvents"], resources: [logGroup.logGroupArn] }),
      new iam.PolicyStatement({
        sid: "Store",
        actions: [
          "dynamodb:BatchGetItem",
          "dynamodb:ConditionCheckItem",
          "dynamodb:DeleteItem",
          "dynamodb:PutItem",
          "dynamodb:UpdateItem",
        ],
        resources: [table.tableArn],
      }),
      new iam.PolicyStatement({ sid: "Secrets", actions: ["secretsmanager:GetSecretValue"], resources: secretArns }),
      new iam.PolicyStatement({
        sid: "Key",
        actions: ["kms:Decrypt"],
        resources: [key.keyArn],
        conditions: via("dynamodb", "secretsmanager"),
      }),
    ];
    if (queue) {
      statements.push(
        new iam.PolicyStatement({
          sid: "Queue",
          actions: ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"],
          resources: [queue.queueArn],
        }),
        new iam.PolicyStatement({
          sid: "KeyOfTheQueue",
          actions: ["kms:Decrypt", "kms:GenerateDataKey"],
          resources: [key.keyArn],
          conditions: via("sqs"),
        }),
      );
    }
    return new iam.Role(this, "Role", {
      assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com"),
      inlinePolicies: { program: new iam.PolicyDocument({ statements }) },
    });
  }

  private key(): kms.Key {
    const key = new kms.Key(this, "Key", {
      description: `The records, secrets, logs and messages of ${this.stackName}`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    key.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: "Logs",
        principals: [new iam.ServicePrincipal(`logs.${this.region}.amazonaws.com`)],
        actions: ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        resources: ["*"],
        conditions: {
          ArnLike: {
            "kms:EncryptionContext:aws:logs:arn": `arn:${this.partition}:logs:${this.region}:${this.account}:log-group:/aws/*/${this.stackName}`,
          },
        },
      }),
    );
    key.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: "Alarms",
        principals: [new iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["kms:Decrypt", "kms:GenerateDataKey*"],
        resources: ["*"],
        conditions: { StringEquals: { "aws:SourceAccount": this.account } },
      }),
    );
    return key;
  }

  private queue(name: string, props: sqs.QueueProps): sqs.Queue {
    return new sqs.Queue(this, name, { retentionPeriod: Duration.days(14), removalPolicy: RemovalPolicy.RETAIN, ...props });
  }

  private logGroup(name: string, logGroupName: string, encryptionKey: kms.IKey): logs.LogGroup {
    return new logs.LogGroup(this, name, {
      logGroupName,
      encryptionKey,
      retention: logs.RetentionDays.ONE_YEAR,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}

/** Checks of checkov that do not apply to a resource, and why. */
function skipChecks(resource: lambda.CfnFunction, checks: Record<string, string>): void {
  resource.addMetadata("checkov", { skip: Object.entries(checks).map(([id, comment]) => ({ id, comment })) });
}
