//! Settings from the AWS Parameters and Secrets extension, as a program by hand reads them.

use std::env;

use lambda_http::Error;
use serde_json::Value;

/// The value of a setting, or what it refers to: `ssm:NAME`, `secretsmanager:ID` or `secretsmanager:ID#KEY`.
pub(crate) async fn setting(client: &reqwest::Client, name: &str) -> Result<String, Error> {
    let value = env::var(name)?;
    let string = |found: &Value| found.as_str().map(str::to_owned).ok_or_else(|| Error::from("no string"));
    match value.split_once(':') {
        Some(("ssm", name)) => {
            let path = format!("systemsmanager/parameters/get?name={name}&withDecryption=true");
            string(&asked(client, &path).await?["Parameter"]["Value"])
        }
        Some(("secretsmanager", place)) => {
            let (id, key) = place.split_once('#').unwrap_or((place, ""));
            let secret =
                string(&asked(client, &format!("secretsmanager/get?secretId={id}")).await?["SecretString"])?;
            if key.is_empty() { Ok(secret) } else { string(&serde_json::from_str::<Value>(&secret)?[key]) }
        }
        _ => Ok(value),
    }
}

async fn asked(client: &reqwest::Client, path: &str) -> Result<Value, Error> {
    let port = env::var("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT")?;
    let request = client.get(format!("http://localhost:{port}/{path}"));
    let request = request.header("x-aws-parameters-secrets-token", env::var("AWS_SESSION_TOKEN")?);
    Ok(serde_json::from_slice(&request.send().await?.error_for_status()?.bytes().await?)?)
}
