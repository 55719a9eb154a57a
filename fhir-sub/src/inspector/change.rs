//! The change of a resource in the sandbox that makes a handler run: for the command `trigger`, and for coding agents.

use serde_json::{Value, json};

use crate::declaration::Declaration;
use crate::interaction::Interaction;
use crate::sandbox::topic::bundle::name;
use crate::sandbox::{Refusal, Sandbox};

/// The first interaction that the handler wants.
pub(crate) fn first_wanted(declaration: &Declaration) -> Interaction {
    let wanted = declaration.interactions;
    match (wanted.create, wanted.update) {
        (true, _) => Interaction::Create,
        (false, true) => Interaction::Update,
        (false, false) => Interaction::Delete,
    }
}

/// Makes the sandbox ready for the change, and returns the resource for [`make`]. A resource that is to be updated or
/// deleted exists afterwards, and one that is to be created does not.
///
/// # Errors
///
/// The resource is not valid.
pub(crate) async fn prepare(
    sandbox: &Sandbox,
    interaction: Interaction,
    mut resource: Value,
) -> Result<Value, Refusal> {
    let there = resource["id"].as_str().and_then(|_| sandbox.get(&name(&resource)));
    if let (Interaction::Delete, Some(there)) = (interaction, &there) {
        return Ok(there.clone());
    }
    sandbox.check(&resource)?;
    match interaction {
        Interaction::Create | Interaction::Unknown => {
            if there.is_some() {
                sandbox.delete(&name(&resource)).await?;
            }
        }
        Interaction::Update => {
            if there.is_none_or(|there| without_meta(there) == without_meta(resource.clone())) {
                let written = put(sandbox, &earlier(resource.clone())).await?;
                resource["id"] = written["id"].clone();
            }
        }
        Interaction::Delete => resource = put(sandbox, &resource).await?,
    }
    Ok(resource)
}

/// Makes the change. Returns the resource as it was written, or as it was before it was deleted.
pub(crate) async fn make(
    sandbox: &Sandbox,
    interaction: Interaction,
    resource: Value,
) -> Result<Value, Refusal> {
    if interaction != Interaction::Delete {
        return put(sandbox, &resource).await;
    }
    sandbox.delete(&name(&resource)).await?;
    Ok(resource)
}

async fn put(sandbox: &Sandbox, resource: &Value) -> Result<Value, Refusal> {
    match resource["id"].is_string() {
        true => sandbox.update(resource).await,
        false => sandbox.create(resource).await,
    }
}

/// A version that differs in a tag alone.
fn earlier(mut resource: Value) -> Value {
    let tag = json!({ "code": "before-trigger" });
    if !resource["meta"].is_object() {
        resource["meta"] = json!({});
    }
    match resource["meta"]["tag"].as_array_mut() {
        Some(tags) => tags.push(tag),
        None => resource["meta"]["tag"] = json!([tag]),
    }
    resource
}

/// The resource without the elements that the server sets.
fn without_meta(mut resource: Value) -> Value {
    if let Some(members) = resource.as_object_mut() {
        members.remove("meta");
    }
    resource
}
