//! [`Conflicts`]: retries a write that conflicts with a transaction.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_smithy_runtime_api::client::interceptors::context::{Error, InterceptorContext};
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

/// Makes the SDK retry a write that DynamoDB refuses because a transaction uses the same item: a dead letter,
/// or a list of them. On its own, the SDK retries only transactions
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling>).
#[derive(Debug)]
pub(super) struct Conflicts;

impl ClassifyRetry for Conflicts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error =
            context.output_or_error().and_then(Result::err).and_then(|error| error.as_operation_error());
        if error.and_then(code) == Some("TransactionConflictException") {
            RetryAction::transient_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "writes that meet a transaction"
    }
}

fn code(error: &Error) -> Option<&str> {
    let put = || error.downcast_ref::<PutItemError>()?.code();
    let update = || error.downcast_ref::<UpdateItemError>()?.code();
    let delete = || error.downcast_ref::<DeleteItemError>()?.code();
    put().or_else(update).or_else(delete)
}
