//! The reason of a failed call: a kind and a code, because the service's own text may quote the request.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::store::Unavailable;

impl<E: ProvideErrorMetadata, R> From<SdkError<E, R>> for Unavailable {
    fn from(error: SdkError<E, R>) -> Self {
        let reason = match &error {
            SdkError::TimeoutError(_) => "no answer in time".to_owned(),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => "no answer in time".to_owned(),
            SdkError::DispatchFailure(failure) if failure.is_io() => "no connection".to_owned(),
            // The endpoint and the client exist, so the credentials must be missing.
            SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
                "the request could not be sent: check the AWS credentials".to_owned()
            }
            SdkError::ServiceError(refused) => match refused.err().code().filter(|code| is_code(code)) {
                Some(code) => format!("it answered {code}"),
                None => "it answered an error without a code".to_owned(),
            },
            _ => "its answer could not be read".to_owned(),
        };
        Self { reason }
    }
}

/// Whether the text has the form of a code, such as `AccessDeniedException`, and so quotes nothing.
fn is_code(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A record is not in the form in which the store writes it.
pub(super) fn unreadable() -> Unavailable {
    Unavailable::new("a record is not as it was written")
}

pub(super) fn unlisted() -> Unavailable {
    Unavailable::new("records of this kind are not listed")
}
