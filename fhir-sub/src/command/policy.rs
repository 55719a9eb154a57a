//! `check --iam`: the permissions of AWS that this program needs with these settings, and no others.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Exit, complain, say};
use crate::settings::{Reference, Variables};
use crate::sorted;

/// The place where the program will run, as far as it is known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The account's number.
    pub(super) account: Option<String>,
    /// The ARN of the KMS key that encrypts table, queue, parameters and secrets.
    pub(super) key: Option<String>,
    /// `eu-west-2`.
    pub(super) region: Option<String>,
    /// The log group of the function.
    pub(super) log_group: Option<String>,
}

/// An IAM policy, and what the reader should know of it.
#[derive(Serialize)]
struct Report {
    policy: Policy,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: Vec<&'static str>,
    resource: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
}

const STORE_SETTING: &str = "FHIR_SUBSCRIPTION_IDEMPOTENCY";
const QUEUE_SETTING: &str = "FHIR_SUBSCRIPTION_QUEUE";

/// The store uses no others: docs/dynamodb.md.
const STORE: [&str; 5] = [
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
];

/// The program sends, and Lambda receives in the name of the function's role.
const QUEUE: [&str; 4] =
    ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"];

impl Place {
    /// Fills in from the environment where the command line says nothing.
    pub(super) fn with_environment(self) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let function = || variable("AWS_LAMBDA_FUNCTION_NAME").map(|name| format!("/aws/lambda/{name}"));
        Self {
            region: self.region.or_else(|| variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"))),
            log_group: self.log_group.or_else(|| variable("AWS_LAMBDA_LOG_GROUP_NAME").or_else(function)),
            ..self
        }
    }

    /// The ARN of `resource` of `service`. A `*` stands for an unknown part.
    fn arn(&self, service: &str, resource: &str) -> String {
        let (region, account) = (self.region.as_deref(), self.account.as_deref());
        self.arn_in(service, region.unwrap_or("*"), account.unwrap_or("*"), resource)
    }

    fn arn_in(&self, service: &str, region: &str, account: &str, resource: &str) -> String {
        let partition = match self.region.as_deref().unwrap_or(region) {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// Prints the policy for the settings of the program and of its tenants, whose references have not been read.
pub(super) fn print(variables: &[&Variables], place: &Place, as_json: bool) -> Exit {
    match report(variables, place) {
        Ok(report) if as_json => {
            say(&json!(report).to_string());
            Exit::Sound
        }
        Ok(report) => {
            report.notes.iter().for_each(|note| complain(&format!("note: {note}")));
            say(&serde_json::to_string_pretty(&report.policy)
                .expect("it has no map with other keys than strings"));
            Exit::Sound
        }
        Err(problems) => {
            complain(&format!("the policy cannot be told:\n{}", problems.join("\n")));
            Exit::Unusable
        }
    }
}

fn report(variables: &[&Variables], place: &Place) -> Result<Report, Vec<String>> {
    let (mut problems, mut notes) = (Vec::new(), Vec::new());
    let mut secrets = Vec::new();
    let mut parameters = Vec::new();
    for (name, reference) in variables.iter().flat_map(|of_one| of_one.references()) {
        // The policy must name the table or the queue, and this command does not ask AWS.
        if name == QUEUE_SETTING {
            problems.push(format!(
                "- {name} is a reference, so what it names is not known here: set the value itself"
            ));
        }
        // The URL of a database is usually a secret. Tenants inherit the setting: one note is enough.
        if name == STORE_SETTING && notes.is_empty() {
            notes.push(format!(
                "{name} is a reference: its database needs no permission of AWS. If it names a DynamoDB table, set dynamodb:TABLE \
                 itself, or the policy lacks the table"
            ));
        }
        match reference {
            Err(unfit) => problems.push(format!("- {name} {}", unfit.reason())),
            Ok(Reference::File(_)) => {}
            Ok(Reference::Parameter(parameter)) => parameters.push(parameter_arn(place, &parameter)),
            Ok(Reference::Secret { id, .. }) => secrets.push(secret_arn(place, &id)),
        }
    }
    let values = |name| variables.iter().filter_map(move |of_one| of_one.get(name));
    let tables = values(STORE_SETTING).filter_map(|store| store.strip_prefix("dynamodb:"));
    let tables: Vec<_> = tables.map(|table| table_arn(place, table)).collect();
    let mut queues = Vec::new();
    for url in values(QUEUE_SETTING) {
        match queue_arn(place, url) {
            Some(arn) => queues.push(arn),
            None => problems.push(format!("- {QUEUE_SETTING} is not the URL of a queue")),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }

    let via = |services: &[&str]| -> Value {
        let region = place.region.as_deref().unwrap_or("*");
        let hosts: Vec<_> =
            services.iter().map(|service| format!("{service}.{region}.amazonaws.com")).collect();
        let operator = if region == "*" { "StringLike" } else { "StringEquals" };
        json!({ operator: { "kms:ViaService": hosts } })
    };
    let mut decrypted_by = Vec::new();
    let mut statement = Vec::new();
    let mut allow = |sid, action: &[&'static str], mut resource: Vec<String>, condition| {
        sorted::by(&mut resource, String::cmp);
        resource.dedup();
        statement.push(Statement { sid, effect: "Allow", action: action.to_vec(), resource, condition });
    };
    if cfg!(feature = "lambda") {
        let group = place.log_group.as_deref().unwrap_or("/aws/lambda/*");
        let group = place.arn("logs", &format!("log-group:{group}:*"));
        allow("Logs", &["logs:CreateLogStream", "logs:PutLogEvents"], vec![group], None);
    }
    if !tables.is_empty() {
        decrypted_by.push("dynamodb");
        allow("Store", &STORE, tables, None);
    }
    if !secrets.is_empty() {
        decrypted_by.push("secretsmanager");
        allow("Secrets", &["secretsmanager:GetSecretValue"], secrets, None);
    }
    if !parameters.is_empty() {
        decrypted_by.push("ssm");
        allow("Parameters", &["ssm:GetParameter"], parameters, None);
    }
    let is_encrypted = !decrypted_by.is_empty() || !queues.is_empty();
    if let Some(key) = place.key.as_ref().filter(|_| !decrypted_by.is_empty()) {
        allow("Key", &["kms:Decrypt"], vec![key.clone()], Some(via(&decrypted_by)));
    }
    if !queues.is_empty() {
        allow("Queue", &QUEUE, queues, None);
        if let Some(key) = &place.key {
            allow(
                "KeyOfTheQueue",
                &["kms:Decrypt", "kms:GenerateDataKey"],
                vec![key.clone()],
                Some(via(&["sqs"])),
            );
        }
    }

    if place.key.is_none() && is_encrypted {
        notes.push(
            "if a KMS key of your own encrypts the table, the queue or the secrets, give --key ARN".into(),
        );
    }
    let unknown = [
        (place.region.is_none(), "AWS_REGION"),
        (place.account.is_none(), "--account NUMBER"),
        (place.log_group.is_none() && cfg!(feature = "lambda"), "AWS_LAMBDA_FUNCTION_NAME"),
    ];
    let unknown: Vec<_> = unknown.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
    if !unknown.is_empty() && !statement.is_empty() {
        notes.push(format!("a * stands for what is not known: give {}", unknown.join(", ")));
    }
    if cfg!(feature = "events") {
        notes.push(
            "the queues that bring events to the function need the actions of Queue without sqs:SendMessage"
                .into(),
        );
    }
    Ok(Report { policy: Policy { version: "2012-10-17", statement }, notes })
}

fn table_arn(place: &Place, table: &str) -> String {
    if table.starts_with("arn:") {
        table.to_owned()
    } else {
        place.arn("dynamodb", &format!("table/{table}"))
    }
}

/// Secrets Manager adds a hyphen and six characters to a name. A whole ARN has them.
fn secret_arn(place: &Place, id: &str) -> String {
    let is_whole = |arn: &str| {
        let suffix = arn.rsplit_once('-').map(|(_, suffix)| suffix);
        suffix.is_some_and(|it| it.len() == 6 && it.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    };
    match id.starts_with("arn:") {
        true if is_whole(id) => id.to_owned(),
        true => format!("{id}-??????"),
        false => place.arn("secretsmanager", &format!("secret:{id}-??????")),
    }
}

/// Without the version or the label that may follow a name.
fn parameter_arn(place: &Place, name: &str) -> String {
    if name.starts_with("arn:") {
        return match name.split_once(":parameter").and_then(|(_, name)| name.split_once(':')) {
            Some((_, selector)) => name.trim_end_matches(selector).trim_end_matches(':').to_owned(),
            None => name.to_owned(),
        };
    }
    let name = name.split(':').next().unwrap_or(name);
    place.arn("ssm", &format!("parameter/{}", name.trim_start_matches('/')))
}

/// `https://sqs.eu-west-2.amazonaws.com/123456789012/name`.
fn queue_arn(place: &Place, url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let mut segments = url.path_segments()?.rev().filter(|segment| !segment.is_empty());
    let (name, account) = (segments.next()?, segments.next()?);
    let host = url.host_str().unwrap_or_default();
    let region = host.strip_prefix("sqs.").and_then(|host| host.split_once(".amazonaws.com"));
    let region = region.map(|(region, _)| region).or(place.region.as_deref()).unwrap_or("*");
    Some(place.arn_in("sqs", region, account, name))
}

#[cfg(test)]
mod tests;
