//! JSON Patch ([RFC 6902](https://www.rfc-editor.org/rfc/rfc6902)).

use serde_json::Value;

use crate::refusal::Refusal;

/// The document after all operations; the error gives the list position of the first failed one.
pub(super) fn apply(mut document: Value, patch: &Value) -> Result<Value, Refusal> {
    let operations =
        patch.as_array().ok_or_else(|| Refusal::bad_request("a JSON Patch is a list of operations"))?;
    for (index, operation) in operations.iter().enumerate() {
        if operate(&mut document, operation).is_none() {
            return Err(Refusal::unprocessable(format!(
                "operation {index} of the JSON Patch cannot be done"
            )));
        }
    }
    Ok(document)
}

fn operate(document: &mut Value, operation: &Value) -> Option<()> {
    let path = operation["path"].as_str()?;
    let from = || operation["from"].as_str();
    let value = || operation.get("value").cloned();
    match operation["op"].as_str()? {
        "add" => add(document, path, value()?),
        "remove" => remove(document, path).map(drop),
        "replace" => {
            *document.pointer_mut(path)? = value()?;
            Some(())
        }
        "move" if from()? == path => document.pointer(path).map(drop),
        // A value cannot be moved into itself.
        "move" if path.starts_with(&format!("{}/", from()?)) => None,
        "move" => {
            let moved = remove(document, from()?)?;
            add(document, path, moved)
        }
        "copy" => {
            let copied = document.pointer(from()?)?.clone();
            add(document, path, copied)
        }
        "test" => (*document.pointer(path)? == value()?).then_some(()),
        _ => None,
    }
}

fn add(document: &mut Value, path: &str, value: Value) -> Option<()> {
    let Some((parent, key)) = path.rsplit_once('/') else {
        // The empty path is the whole document.
        *document = path.is_empty().then_some(value)?;
        return Some(());
    };
    match document.pointer_mut(parent)? {
        Value::Object(members) => {
            members.insert(unescape(key), value);
        }
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => {
            let index = index(key).filter(|index| *index <= items.len())?;
            items.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(document: &mut Value, path: &str) -> Option<Value> {
    let (parent, key) = path.rsplit_once('/')?;
    match document.pointer_mut(parent)? {
        Value::Object(members) => members.remove(&unescape(key)),
        Value::Array(items) => {
            let index = index(key).filter(|index| *index < items.len())?;
            Some(items.remove(index))
        }
        _ => None,
    }
}

fn index(key: &str) -> Option<usize> {
    let is_canonical = key == "0" || (!key.starts_with('0') && key.bytes().all(|byte| byte.is_ascii_digit()));
    key.parse().ok().filter(|_| is_canonical)
}

fn unescape(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}
