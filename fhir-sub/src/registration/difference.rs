//! The differences between the wanted Subscription and the one on the server, and how to mend them.

use serde_json::{Map, Value};

use super::hidden::{Verdict, judge, reveal};
use super::respelt::is_respelt;
use super::wanted::is_managed;
use crate::fhir::backport::PROFILE;
use crate::fhir::{Instant, Subscription};
use crate::memory::Written;

/// Elements that belong to the server, or that a program never sets.
///
/// `status` is compared elsewhere, because a server changes it by itself.
const SERVERS_ELEMENTS: [&str; 8] =
    ["resourceType", "id", "meta", "text", "error", "status", "implicitRules", "language"];

/// The elements that are ours even if we leave them out: any other content is removed. They include the
/// elements of a criteria and of a topic, in each version, because one may become the other.
const OUR_ELEMENTS: [&str; 13] = [
    "criteria",
    "reason",
    "end",
    "topic",
    "filterBy",
    "channelType",
    "endpoint",
    "parameter",
    "heartbeatPeriod",
    "timeout",
    "maxCount",
    "contentType",
    "content",
];
const OUR_CHANNEL_ELEMENTS: [&str; 4] = ["type", "endpoint", "payload", "header"];

/// The elements that consist of our extensions only.
const EXTENDED: [&str; 3] = ["_criteria", "_payload", "_type"];

/// How the Subscription on the server differs from the wanted one.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// The names of the elements that differ, for people.
    pub(super) names: Vec<String>,
    /// The names of the elements that the server hides in part, so that we cannot compare them.
    pub(super) hidden: Vec<&'static str>,
}

/// How `found` differs from `wanted`; `last` is the program's last write, if it remembers one.
pub(super) fn differences(wanted: &Subscription, found: &Subscription, last: Option<&Written>) -> Difference {
    let mut names = shown_differences(wanted, found);
    if names.is_empty() {
        return Difference::default();
    }
    match last.map_or(Verdict::Unknown, |last| judge(last, wanted, found, &names)) {
        Verdict::Hidden(hidden) => {
            names.retain(|name| !hidden.contains(&name.as_str()));
            Difference { names, hidden }
        }
        Verdict::Different => Difference { names, hidden: Vec::new() },
        Verdict::Unknown => {
            let (revealed, hidden) = reveal(wanted, found);
            Difference { names: shown_differences(wanted, &revealed), hidden }
        }
    }
}

/// The names of the elements that differ, as far as the server shows them.
pub(super) fn shown_differences(wanted: &Subscription, found: &Subscription) -> Vec<String> {
    let mended = mend(wanted, found);
    let mut names = Vec::new();
    compare(&mut names, "", mended.elements(), found.elements());
    if let (Some(mended), Some(found)) = (mended.channel(), found.channel()) {
        names.retain(|name| name != "channel");
        compare(&mut names, "channel.", mended, found);
    }
    // This element only says why there is no header.
    names.retain(|name| name != "channel._header" && !is_respelt(name, wanted, found));
    if let Some(meta) = names.iter_mut().find(|name| *name == "meta") {
        *meta = "meta.profile".into();
    }
    names
}

fn compare(names: &mut Vec<String>, prefix: &str, mended: &Map<String, Value>, found: &Map<String, Value>) {
    let gone = found.keys().filter(|name| !mended.contains_key(*name));
    let changed =
        mended.iter().filter(|(name, value)| found.get(*name) != Some(*value)).map(|(name, _)| name);
    names.extend(changed.chain(gone).map(|name| format!("{prefix}{name}")));
}

/// `found`, changed to match `wanted`. Elements that the server or an operator added stay.
pub(super) fn mend(wanted: &Subscription, found: &Subscription) -> Subscription {
    let mut mended = found.clone();
    mend_elements(mended.elements_mut(), wanted.elements(), &OUR_ELEMENTS);
    match wanted.channel() {
        Some(channel) => mend_elements(mended.channel_mut(), channel, &OUR_CHANNEL_ELEMENTS),
        // R5 has no channel.
        None => drop(mended.remove("channel")),
    }
    mend_profile(&mut mended, wanted);
    mended
}

fn mend_elements(target: &mut Map<String, Value>, wanted: &Map<String, Value>, ours: &[&str]) {
    for name in ours {
        if !wanted.contains_key(*name) {
            target.remove(*name);
        }
    }
    for (name, value) in wanted {
        let is_apart = ["channel", "extension"].contains(&name.as_str()) || EXTENDED.contains(&name.as_str());
        if is_apart || SERVERS_ELEMENTS.contains(&name.as_str()) {
            continue;
        }
        let is_as_wanted = |found| covers(found, value) || (name == "end" && is_same_moment(found, value));
        if !target.get(name).is_some_and(is_as_wanted) {
            target.insert(name.clone(), value.clone());
            if name == "header" {
                // This element may say that the server masks the header.
                target.remove("_header");
            }
        }
    }
    for name in EXTENDED {
        let wanted = wanted.get(name).and_then(|wanted| wanted.get("extension"));
        let mut extended = target.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        mend_extensions(&mut extended, wanted);
        if extended.is_empty() {
            target.remove(name);
        } else {
            target.insert(name.into(), Value::Object(extended));
        }
    }
    mend_extensions(target, wanted.get("extension"));
}

/// The profile that marks a topic's Subscription. It is the only part of `meta` that is ours.
fn mend_profile(target: &mut Subscription, wanted: &Subscription) {
    let profiles = |subscription: &Subscription| {
        let profiles =
            subscription.get("meta").and_then(|meta| meta.get("profile")).and_then(Value::as_array);
        profiles.cloned().unwrap_or_default()
    };
    let is_ours = |profile: &Value| profile == PROFILE;
    let mut mended = profiles(target);
    let is_wanted = profiles(wanted).iter().any(is_ours);
    if mended.iter().any(is_ours) == is_wanted {
        return;
    }
    if is_wanted {
        mended.push(PROFILE.into());
    } else {
        mended.retain(|profile| !is_ours(profile));
    }
    let meta = target.elements_mut().entry("meta").or_insert_with(|| Value::Object(Map::new()));
    let Some(meta) = meta.as_object_mut() else { return };
    if mended.is_empty() {
        meta.remove("profile");
    } else {
        meta.insert("profile".into(), Value::Array(mended));
    }
}

/// Whether `found` contains all of `wanted`. Servers add ids and defaults to complex elements, which is no
/// difference. A list must be the same list.
pub(super) fn covers(found: &Value, wanted: &Value) -> bool {
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

/// Whether two texts are the same moment. A server may write `Z` as `+00:00`.
fn is_same_moment(found: &Value, wanted: &Value) -> bool {
    let moment = |value: &Value| Instant::parse(value.as_str()?);
    moment(wanted).is_some_and(|wanted| moment(found) == Some(wanted))
}

/// Compares extensions by URL: each wanted one must be there, no other one of ours, and extensions of others
/// stay.
fn mend_extensions(target: &mut Map<String, Value>, wanted: Option<&Value>) {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let (wanted, found) = (list(wanted), list(target.get("extension")));
    let is_ours = |extension: &Value| {
        let url = url(extension);
        url.is_some_and(is_managed) || wanted.iter().any(|wanted| self::url(wanted) == url)
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
