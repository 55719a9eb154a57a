use super::*;

fn place() -> Place {
    Place {
        account: Some("123456789012".into()),
        key: None,
        region: Some("eu-west-2".into()),
        log_group: Some("/aws/lambda/hooks".into()),
    }
}

fn variables(settings: &[(&str, &str)]) -> Variables {
    let mut variables = Variables::default();
    settings.iter().for_each(|(name, value)| variables.set(name, *value));
    variables
}

fn told(settings: &[(&str, &str)], place: &Place) -> Value {
    let report = report(&[&variables(settings)], place).unwrap_or_else(|problems| panic!("{problems:?}"));
    json!(report)
}

/// The statement of this name, without the effect, which is always the same.
fn statement(told: &Value, sid: &str) -> Option<Value> {
    let statements = told["policy"]["Statement"].as_array().unwrap();
    assert!(statements.iter().all(|statement| statement["Effect"] == "Allow"), "{told}");
    let mut found = statements.iter().find(|statement| statement["Sid"] == sid)?.clone();
    found.as_object_mut().unwrap().retain(|key, _| key != "Sid" && key != "Effect");
    Some(found)
}

fn sids(told: &Value) -> Vec<&str> {
    let statements = told["policy"]["Statement"].as_array().unwrap();
    let sids = statements.iter().map(|statement| statement["Sid"].as_str().unwrap());
    // There are logs only under Lambda.
    sids.filter(|sid| *sid != "Logs").collect()
}

#[test]
fn a_program_that_keeps_everything_to_itself_needs_no_service() {
    assert_eq!(sids(&told(&[], &place())), [""; 0]);
    let elsewhere = [
        ("FHIR_SUBSCRIPTION_IDEMPOTENCY", "postgres://u:p@db/records"),
        ("FHIR_SUBSCRIPTION_SECRET", "file:/run/secrets/shared"),
    ];
    assert_eq!(sids(&told(&elsewhere, &place())), [""; 0]);
}

#[cfg(feature = "lambda")]
#[test]
fn a_lambda_writes_to_its_own_log_group() {
    let logs = statement(&told(&[], &place()), "Logs").unwrap();
    let group = "arn:aws:logs:eu-west-2:123456789012:log-group:/aws/lambda/hooks:*";
    assert_eq!(logs, json!({ "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": [group] }));
}

#[test]
fn a_table_is_written_and_read_by_key() {
    let told = told(&[("FHIR_SUBSCRIPTION_IDEMPOTENCY", "dynamodb:notifications")], &place());
    assert_eq!(sids(&told), ["Store"]);
    let store = statement(&told, "Store").unwrap();
    assert_eq!(store["Resource"], json!(["arn:aws:dynamodb:eu-west-2:123456789012:table/notifications"]));
    assert_eq!(store["Action"], json!(STORE));
}

#[test]
fn a_table_of_another_account_is_named_by_its_arn() {
    let arn = "arn:aws:dynamodb:us-east-1:999999999999:table/shared";
    let told = told(&[("FHIR_SUBSCRIPTION_IDEMPOTENCY", &format!("dynamodb:{arn}"))], &place());
    assert_eq!(statement(&told, "Store").unwrap()["Resource"], json!([arn]));
}

#[test]
fn each_secret_and_parameter_is_named_once() {
    let arn = "arn:aws:secretsmanager:eu-west-2:123456789012:secret:hooks/admin-AbCdEf";
    let told = told(
        &[
            ("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:ward/fhir#shared"),
            ("FHIR_AUTH_CLIENT_SECRET", "secretsmanager:ward/fhir#client"),
            ("FHIR_SUBSCRIPTION_ADMIN_SECRET", &format!("secretsmanager:{arn}")),
            ("FHIR_BASE_URL", "ssm:/ward/fhir-base-url:3"),
            ("FHIR_AUTH_SCOPE", "ssm:scope"),
        ],
        &place(),
    );
    assert_eq!(sids(&told), ["Secrets", "Parameters"]);
    let by_name = "arn:aws:secretsmanager:eu-west-2:123456789012:secret:ward/fhir-??????";
    let secrets = statement(&told, "Secrets").unwrap();
    assert_eq!(secrets, json!({ "Action": ["secretsmanager:GetSecretValue"], "Resource": [arn, by_name] }));
    let parameters = statement(&told, "Parameters").unwrap();
    let names = ["scope", "ward/fhir-base-url"];
    let arns = names.map(|name| format!("arn:aws:ssm:eu-west-2:123456789012:parameter/{name}"));
    assert_eq!(parameters, json!({ "Action": ["ssm:GetParameter"], "Resource": arns }));
}

#[test]
fn a_key_is_used_only_through_the_services_that_are_used() {
    let key = "arn:aws:kms:eu-west-2:123456789012:key/7";
    let place = Place { key: Some(key.into()), ..place() };
    let queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/hooks.fifo";
    let told = told(
        &[("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:shared"), ("FHIR_SUBSCRIPTION_QUEUE", queue)],
        &place,
    );
    assert_eq!(sids(&told), ["Secrets", "Key", "Queue", "KeyOfTheQueue"]);
    let via = |services: &[&str]| json!({ "StringEquals": { "kms:ViaService": services } });
    let condition = via(&["secretsmanager.eu-west-2.amazonaws.com"]);
    let wanted = json!({ "Action": ["kms:Decrypt"], "Resource": [key], "Condition": condition });
    assert_eq!(statement(&told, "Key").unwrap(), wanted);
    // The queue's own region.
    let queue = statement(&told, "Queue").unwrap();
    assert_eq!(queue["Resource"], json!(["arn:aws:sqs:eu-west-1:123456789012:hooks.fifo"]));
    assert_eq!(queue["Action"], json!(QUEUE));
    let key = statement(&told, "KeyOfTheQueue").unwrap();
    assert_eq!(key["Condition"], via(&["sqs.eu-west-2.amazonaws.com"]));
}

#[test]
fn what_is_not_known_is_a_star_and_a_note() {
    let told = told(
        &[
            ("FHIR_SUBSCRIPTION_IDEMPOTENCY", "dynamodb:notifications"),
            ("FHIR_SUBSCRIPTION_QUEUE", "http://localhost:9324/000000000000/hooks"),
        ],
        &Place { key: Some("arn:aws:kms:*:*:key/7".into()), ..Place::default() },
    );
    assert_eq!(
        statement(&told, "Store").unwrap()["Resource"],
        json!(["arn:aws:dynamodb:*:*:table/notifications"])
    );
    assert_eq!(statement(&told, "Queue").unwrap()["Resource"], json!(["arn:aws:sqs:*:000000000000:hooks"]));
    let condition = json!({ "StringLike": { "kms:ViaService": ["dynamodb.*.amazonaws.com"] } });
    assert_eq!(statement(&told, "Key").unwrap()["Condition"], condition);
    assert!(told["notes"][0].as_str().unwrap().contains("AWS_REGION, --account NUMBER"), "{told}");
}

#[test]
fn each_partition_has_its_own_arns() {
    for (region, partition) in
        [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("sa-east-1", "aws")]
    {
        let place = Place { region: Some(region.into()), ..place() };
        let told = told(&[("FHIR_SUBSCRIPTION_IDEMPOTENCY", "dynamodb:notifications")], &place);
        let arn = format!("arn:{partition}:dynamodb:{region}:123456789012:table/notifications");
        assert_eq!(statement(&told, "Store").unwrap()["Resource"], json!([arn]));
    }
}

#[test]
fn a_policy_with_a_hole_is_no_policy() {
    for (name, value, told) in [
        ("FHIR_SUBSCRIPTION_IDEMPOTENCY", "secretsmanager:", "names no secret"),
        ("FHIR_SUBSCRIPTION_QUEUE", "secretsmanager:ward#queue", "FHIR_SUBSCRIPTION_QUEUE is a reference"),
        ("FHIR_SUBSCRIPTION_QUEUE", "https://sqs.eu-west-2.amazonaws.com/", "is not the URL of a queue"),
        ("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:", "names no secret"),
    ] {
        let problems = report(&[&variables(&[(name, value)])], &place()).map(|_| ()).unwrap_err();
        assert!(problems.iter().any(|problem| problem.contains(told)), "{name}={value}: {problems:?}");
    }
}

#[test]
fn the_secret_that_has_the_url_of_a_database_is_in_the_policy() {
    for (value, sid, arn) in [
        ("secretsmanager:hooks/db", "Secrets", "secret:hooks/db-??????"),
        ("ssm:/ward/store", "Parameters", "parameter/ward/store"),
    ] {
        let told = told(&[("FHIR_SUBSCRIPTION_IDEMPOTENCY", value)], &place());
        assert!(statement(&told, sid).unwrap()["Resource"].to_string().contains(arn), "{told}");
        assert!(statement(&told, "Store").is_none(), "{told}");
        let notes: Vec<_> =
            told["notes"].as_array().unwrap().iter().filter_map(|note| note.as_str()).collect();
        let is_said = |note: &&str| {
            note.starts_with("FHIR_SUBSCRIPTION_IDEMPOTENCY is a reference: its database needs no")
        };
        assert_eq!(notes.iter().filter(|note| is_said(note)).count(), 1, "{told}");
    }
}

/// The tenants inherit the setting, and one note says it.
#[test]
fn a_store_that_is_a_reference_is_noted_once() {
    let one = || variables(&[("FHIR_SUBSCRIPTION_IDEMPOTENCY", "ssm:/ward/store")]);
    let report =
        report(&[&one(), &one(), &one()], &place()).unwrap_or_else(|problems| panic!("{problems:?}"));
    let is_said = |note: &&String| note.contains("is a reference");
    assert_eq!(report.notes.iter().filter(is_said).count(), 1, "{:?}", report.notes);
}

#[test]
fn a_secret_in_the_environment_is_in_no_policy() {
    let canary = "canary-0123456789abcdef";
    let told = told(&[("FHIR_SUBSCRIPTION_SECRET", canary), ("FHIR_AUTH_BEARER", canary)], &place());
    assert!(!told.to_string().contains("canary"), "{told}");
}

#[test]
fn the_secrets_of_all_tenants_are_in_one_policy() {
    let shared = variables(&[("FHIR_SUBSCRIPTION_IDEMPOTENCY", "dynamodb:notifications")]);
    let north = variables(&[("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:north")]);
    let south = variables(&[
        ("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:south"),
        ("FHIR_SUBSCRIPTION_IDEMPOTENCY", "dynamodb:south"),
    ]);
    let told =
        json!(report(&[&shared, &north, &south], &place()).unwrap_or_else(|problems| panic!("{problems:?}")));
    let names = |sid: &str| statement(&told, sid).unwrap()["Resource"].to_string();
    assert!(
        names("Secrets").contains("secret:north-") && names("Secrets").contains("secret:south-"),
        "{told}"
    );
    assert!(
        names("Store").contains("table/notifications") && names("Store").contains("table/south"),
        "{told}"
    );
}

/// The text of the store's sources shows which calls it makes.
#[test]
fn the_store_has_the_actions_of_its_calls_and_no_others() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/dynamodb");
    let mut sources = vec![folder.with_extension("rs")];
    sources.extend(std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()));
    let sources = sources.iter().filter(|path| path.extension().is_some() && !path.ends_with("tests.rs"));
    let text: String = sources.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for (call, action) in [
        (".batch_get_item()", "BatchGetItem"),
        (".batch_write_item()", "BatchWriteItem"),
        ("ConditionCheck::builder()", "ConditionCheckItem"),
        (".delete_item()", "DeleteItem"),
        (".describe_table()", "DescribeTable"),
        (".get_item()", "GetItem"),
        (".put_item()", "PutItem"),
        (".query()", "Query"),
        (".scan()", "Scan"),
        (".update_item()", "UpdateItem"),
    ] {
        let action = format!("dynamodb:{action}");
        assert_eq!(text.contains(call), STORE.contains(&&*action), "{call} and {action}");
    }
}
