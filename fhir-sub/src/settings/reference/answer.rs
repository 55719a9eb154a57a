//! The answers of Parameter Store and Secrets Manager. The extension hands them on as they are.

use serde::Deserialize;

use super::resolve::Failure;
use crate::client::transport::Limits;

/// Secrets Manager and Parameter Store return at most 64 KiB, without JSON's escapes.
pub(super) const ANSWER: Limits = Limits { answer_bytes: 512 * 1024 };

/// The AWS errors that an answer may contain, and their meanings.
const ERRORS: [(&str, &str); 8] = [
    (
        "AccessDeniedException",
        "AWS denies access: allow ssm:GetParameter, secretsmanager:GetSecretValue and kms:Decrypt",
    ),
    ("ParameterNotFound", "Parameter Store has no such parameter"),
    ("ResourceNotFoundException", "Secrets Manager has no such secret, or the secret has no such version"),
    ("DecryptionFailure", "AWS cannot decrypt it: allow kms:Decrypt for its key"),
    ("InvalidRequestException", "the secret is marked for deletion"),
    ("UnrecognizedClientException", "AWS does not know the credentials"),
    ("ExpiredToken", "the credentials have expired"),
    ("InvalidSignatureException", "AWS refuses the signature: check the secret key and the machine's clock"),
];

/// The value of a parameter.
pub(super) fn parameter(answer: &[u8]) -> Result<String, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        parameter: Parameter,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Parameter {
        value: String,
    }
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| unreadable())?;
    Ok(answer.parameter.value)
}

/// The text of a secret.
pub(super) fn secret(answer: &[u8]) -> Result<String, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        secret_string: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| unreadable())?;
    answer.secret_string.ok_or_else(|| Failure::Unfit("the secret is binary: store a string".into()))
}

/// The known error in a refusal. The refusal's own text is not repeated, because it may name accounts and roles.
pub(super) fn refusal(text: &str) -> Option<Failure> {
    let (name, meaning) = ERRORS.iter().find(|(name, _)| text.contains(name))?;
    Some(match *name {
        "ResourceNotFoundException" => Failure::NoSuchVersion,
        _ => Failure::Other(format!("{meaning} ({name})")),
    })
}

fn unreadable() -> Failure {
    Failure::Other("the answer is not of the form that AWS documents".into())
}
