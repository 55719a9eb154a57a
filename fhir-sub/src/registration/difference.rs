//! What differs between the Subscription that is wanted and the one that is there, and how to mend it.

use serde_json::{Map, Value};

use super::wanted::MANAGED_EXTENSIONS;
use crate::fhir::Subscription;

/// The elements that the server owns, or that a program has nothing to say of.
///
/// `status` is looked at apart: a server moves it on by itself.
const SERVERS_ELEMENTS: [&str; 8] =
    ["resourceType", "id", "meta", "text", "error", "status", "implicitRules", "language"];

/// The elements that are ours even when we leave them out: what is there then is taken away.
const OUR_ELEMENTS: [&str; 3] = ["criteria", "reason", "end"];
const OUR_CHANNEL_ELEMENTS: [&str; 4] = ["type", "endpoint", "payload", "header"];

/// The names of the elements in which `found` is not what is `wanted`, in words for people.
pub(super) fn differences(wanted: &Subscription, found: &Subscription) -> Vec<String> {
    let mended = mend(wanted, found);
    let mut names = Vec::new();
    let empty = Map::new();
    compare(&mut names, "", mended.elements(), found.elements());
    let (mended_channel, found_channel) =
        (mended.channel().unwrap_or(&empty), found.channel().unwrap_or(&empty));
    compare(&mut names, "channel.", mended_channel, found_channel);
    names.retain(|name| name != "channel");
    names
}

fn compare(names: &mut Vec<String>, prefix: &str, mended: &Map<String, Value>, found: &Map<String, Value>) {
    let gone = found.keys().filter(|name| !mended.contains_key(*name));
    let changed =
        mended.iter().filter(|(name, value)| found.get(*name) != Some(*value)).map(|(name, _)| name);
    names.extend(changed.chain(gone).map(|name| format!("{prefix}{name}")));
}

/// `found` with what is `wanted` in it: what the server or an operator added stays.
pub(super) fn mend(wanted: &Subscription, found: &Subscription) -> Subscription {
    let mut mended = found.clone();
    let empty = Map::new();
    mend_elements(mended.elements_mut(), wanted.elements(), &OUR_ELEMENTS, &["channel"]);
    if wanted.channel().is_some() || mended.channel().is_some() {
        let channel = wanted.channel().unwrap_or(&empty);
        mend_elements(mended.channel_mut(), channel, &OUR_CHANNEL_ELEMENTS, &[]);
    }
    mended
}

fn mend_elements(
    target: &mut Map<String, Value>,
    wanted: &Map<String, Value>,
    ours: &[&str],
    apart: &[&str],
) {
    for name in ours {
        if !wanted.contains_key(*name) {
            target.remove(*name);
        }
    }
    for (name, value) in wanted {
        if SERVERS_ELEMENTS.contains(&name.as_str()) || apart.contains(&name.as_str()) || name == "extension"
        {
            continue;
        }
        if target.get(name).is_none_or(|found| !covers(found, value)) {
            target.insert(name.clone(), value.clone());
        }
    }
    mend_extensions(target, wanted.get("extension"));
}

/// Whether `found` says all that `wanted` says. Servers add ids and defaults to complex elements, which is
/// no difference; a list must be the same list.
fn covers(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| found.get(name).is_some_and(|found| covers(found, value)))
        }
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len()
                && found.iter().zip(wanted).all(|(found, wanted)| covers(found, wanted))
        }
        _ => found == wanted,
    }
}

/// Extensions by URL: each that is wanted is there, of ours no other is, and of others' all stay.
fn mend_extensions(target: &mut Map<String, Value>, wanted: Option<&Value>) {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let (wanted, found) = (list(wanted), list(target.get("extension")));
    let is_ours = |extension: &Value| {
        let url = url(extension);
        url.is_some_and(|url| MANAGED_EXTENSIONS.contains(&url))
            || wanted.iter().any(|wanted| self::url(wanted) == url)
    };
    let (ours, mut mended): (Vec<_>, Vec<_>) = found.iter().cloned().partition(is_ours);
    let same = ours.len() == wanted.len()
        && wanted.iter().all(|wanted| ours.iter().any(|ours| covers(ours, wanted)));
    if same {
        return;
    }
    mended.extend(wanted);
    if mended.is_empty() {
        target.remove("extension");
    } else {
        target.insert("extension".into(), Value::Array(mended));
    }
}

fn url(extension: &Value) -> Option<&str> {
    extension.get("url").and_then(Value::as_str)
}
