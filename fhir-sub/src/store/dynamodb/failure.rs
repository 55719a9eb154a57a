//! What is told of a call that failed: a kind and a code, since the service's own words may quote what it was asked.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::store::Unavailable;

impl<E: ProvideErrorMetadata, R> From<SdkError<E, R>> for Unavailable {
    fn from(error: SdkError<E, R>) -> Self {
        let reason = match &error {
            SdkError::TimeoutError(_) => "no answer in time".to_owned(),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => "no answer in time".to_owned(),
            SdkError::DispatchFailure(failure) if failure.is_io() => "no connection".to_owned(),
            // There is an endpoint and a client, or nothing would be called; what is left are credentials.
            SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
                "the request could not be made: are there AWS credentials?".to_owned()
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

/// Whether it has the form of a code, such as `AccessDeniedException`, and so quotes nothing.
fn is_code(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A record has not the form that it is written in.
pub(super) fn unreadable() -> Unavailable {
    Unavailable::new("a record is not as it was written")
}

pub(super) fn unlisted() -> Unavailable {
    Unavailable::new("records of this kind are not listed")
}
