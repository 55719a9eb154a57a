//! Puts records: each put is one conditional write.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use super::DynamoDbStore;
use super::failure::unreadable;
use super::item::{self, ID, Item, names, number, text};
use crate::store::{Put, Record, RecordId, Stored};

const IS_ABSENT: &str = "attribute_not_exists(#id)";

const IS_EXPECTED: &str = "#token = :token";

/// The condition on a dead letter that an earlier version wrote.
const IS_WITHOUT: &str = "attribute_exists(#id) AND attribute_not_exists(#token)";

/// The condition on the existing item.
fn condition(expected: Option<u64>) -> (&'static str, Option<u64>) {
    match expected {
        None => (IS_ABSENT, None),
        Some(0) => (IS_WITHOUT, None),
        Some(revision) => (IS_EXPECTED, Some(revision)),
    }
}

impl DynamoDbStore {
    pub(super) async fn put_item(
        &self,
        id: &RecordId,
        expected: Option<u64>,
        record: &Record,
    ) -> Stored<Put> {
        let (condition, token) = condition(expected);
        let mut call = self
            .client()
            .await?
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item::write(id, record)?))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names(&[condition])))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some(token) = token {
            call = call.expression_attribute_values(":token", number(token));
        }
        match call.send().await {
            Ok(_) => Ok(Put::Done),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => refused_by(refused.item()),
                _ => Err(error.into()),
            },
        }
    }

    pub(super) async fn delete_item(&self, id: &RecordId, expected: Option<u64>) -> Stored<Put> {
        let (condition, token) = condition(expected);
        let mut call = self
            .client()
            .await?
            .delete_item()
            .table_name(&self.table)
            .key(ID, text(id))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names(&[condition])))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some(token) = token {
            call = call.expression_attribute_values(":token", number(token));
        }
        match call.send().await {
            Ok(_) => Ok(Put::Done),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(refused)) => refused_by(refused.item()),
                _ => Err(error.into()),
            },
        }
    }
}

fn refused_by(item: Option<&Item>) -> Stored<Put> {
    // If there is no item, DynamoDB sends an empty one.
    let item = item.filter(|item| !item.is_empty());
    Ok(Put::Refused(item.map(item::read).transpose().map_err(|_| unreadable())?))
}
