//! Reads a Bundle and a SubscriptionStatus with serde, to compare the results with [`Bundle::read`] and
//! [`Status`].

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Undecodable;
use super::entry::{Bundle, Entry};
use super::reference::{self, ReferenceElement};
use super::status::{Focus, Kind, Status};
use crate::fhir::is_type_name;
use crate::json::Text;
use crate::json::strict::{List, Number, Object, Scalar};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BundleBySerde<'a> {
    #[serde(borrow)]
    resource_type: Text<'a>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    bundle_type: Option<Text<'a>>,
    #[serde(borrow)]
    entry: Option<List<Object<EntryBySerde<'a>>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryBySerde<'a> {
    #[serde(borrow)]
    full_url: Option<Text<'a>>,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow)]
    request: Option<Object<RequestBySerde<'a>>>,
}

#[derive(Default, Deserialize)]
struct RequestBySerde<'a> {
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow)]
    url: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceBySerde<'a> {
    #[serde(borrow)]
    resource_type: Text<'a>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    meta: Option<Object<MetaBySerde<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetaBySerde<'a> {
    #[serde(borrow)]
    version_id: Option<Text<'a>>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
            type Value = List<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut sequence: S) -> Result<Self::Value, S::Error> {
                let mut list = List::default();
                while list.count < List::<T>::MAXIMUM {
                    match sequence.next_element()? {
                        Some(item) => list.add(item),
                        None => return Ok(list),
                    }
                }
                while sequence.next_element::<IgnoredAny>()?.is_some() {
                    list.count += 1;
                }
                Ok(list)
            }
        }

        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

/// Reads `body` in both ways.
///
/// # Panics
///
/// If the results differ, or only one of them accepts the body. Exception: a resource that is not JSON is
/// refused later.
pub(crate) fn must_agree(body: &str) {
    let is_json = serde_json::from_str::<IgnoredAny>(body).is_ok();
    match (Bundle::read(body, ""), by_serde(body)) {
        (Ok(ours), Ok(serdes)) => must_be_the_same(&ours, &serdes),
        (Ok(ours), Err(())) => {
            let mended = mended(body, &ours);
            assert_ne!(mended, body, "serde does not take it");
            assert!(by_serde(&mended).is_ok(), "serde does not even take the frame: {mended}");
        }
        (Err(undecodable), Ok(_)) => panic!("serde takes it: {undecodable:?}"),
        (Err(undecodable), Err(())) => {
            assert!(
                matches!(undecodable, Undecodable::Unprocessable(_)) || !is_json,
                "it is JSON: {undecodable:?}"
            );
        }
    }
}

fn by_serde(body: &str) -> Result<BundleBySerde<'_>, ()> {
    let Object(bundle): Object<BundleBySerde<'_>> = serde_json::from_str(body).map_err(drop)?;
    let is_right = |entries: &List<Object<EntryBySerde<'_>>>| {
        let is_right = |Object(entry): &Object<EntryBySerde<'_>>| {
            let Some(resource) = entry.resource.map(RawValue::get) else { return true };
            let is_elsewhere = |url: &Text<'_>| url.starts_with("http") && reference::parse(url).is_none();
            resource_by_serde(resource).is_some()
                || (is_untyped(resource) && entry.full_url.as_ref().is_some_and(is_elsewhere))
        };
        entries.count <= Entry::MAXIMUM && entries.items.iter().all(is_right)
    };
    let is_right = &*bundle.resource_type == "Bundle" && bundle.entry.as_ref().is_none_or(is_right);
    if is_right { Ok(bundle) } else { Err(()) }
}

fn resource_by_serde(json: &str) -> Option<ResourceBySerde<'_>> {
    let Object(resource): Object<ResourceBySerde<'_>> = serde_json::from_str(json).ok()?;
    is_type_name(&resource.resource_type).then_some(resource)
}

/// Whether it is an object without a type, which is no FHIR resource.
fn is_untyped(json: &str) -> bool {
    serde_json::from_str::<std::collections::BTreeMap<String, IgnoredAny>>(json)
        .is_ok_and(|members| !members.contains_key("resourceType"))
}

/// The text, with each resource that is not JSON replaced by one that is.
fn mended(body: &str, bundle: &Bundle<'_>) -> String {
    let (mut mended, mut rest) = (String::new(), body);
    for resource in bundle.entries.iter().filter_map(|entry| entry.resource.as_ref()) {
        let start = resource.json.as_ptr().addr() - rest.as_ptr().addr();
        mended.push_str(&rest[..start]);
        let is_json = serde_json::from_str::<IgnoredAny>(resource.json).is_ok();
        mended.push_str(if is_json { resource.json } else { r#"{"resourceType":"Basic"}"# });
        rest = &rest[start + resource.json.len()..];
    }
    mended + rest
}

fn must_be_the_same(ours: &Bundle<'_>, serdes: &BundleBySerde<'_>) {
    assert_eq!(ours.id.as_deref(), serdes.id.as_deref());
    assert_eq!(ours.bundle_type.as_deref(), serdes.bundle_type.as_deref());
    let entries = serdes.entry.as_ref().map_or(&[][..], |entries| &entries.items);
    assert_eq!(ours.entries.len(), entries.len());
    for (ours, Object(serdes)) in ours.entries.iter().zip(entries) {
        let nothing = RequestBySerde::default();
        let request = serdes.request.as_ref().map_or(&nothing, |Object(request)| request);
        assert_eq!(ours.full_url.as_deref(), serdes.full_url.as_deref());
        assert_eq!(ours.request.method.as_deref(), request.method.as_deref());
        assert_eq!(ours.request.url.as_deref(), request.url.as_deref());
        let text = serdes.resource.map(RawValue::get).filter(|text| !is_untyped(text));
        assert_eq!(ours.resource.as_ref().map(|resource| resource.json), text);
        let (Some(ours), Some(text)) = (&ours.resource, text) else { continue };
        assert_eq!(ours.json.as_ptr(), text.as_ptr());
        status_must_agree(text);
        let serdes = resource_by_serde(text).expect("it was looked at before");
        assert_eq!(*ours.outline.resource_type, *serdes.resource_type);
        assert_eq!(ours.outline.id.as_deref(), serdes.id.as_deref());
        let version_id = serdes.meta.as_ref().and_then(|Object(meta)| meta.version_id.as_deref());
        assert_eq!(ours.outline.version_id(), version_id);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusBySerde<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    subscription: Option<Object<ReferenceElement<'a>>>,
    #[serde(borrow)]
    topic: Option<Text<'a>>,
    #[serde(borrow)]
    events_since_subscription_start: Option<&'a RawValue>,
    #[serde(borrow)]
    notification_event: Option<List<Object<EventBySerde<'a>>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventBySerde<'a> {
    event_number: Option<Number>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    focus: Option<Object<ReferenceElement<'a>>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
}

/// Reads any resource as a SubscriptionStatus in both ways.
fn status_must_agree(json: &str) {
    let (ours, serdes) = match (
        Status::from_subscription_status(json),
        serde_json::from_str::<Object<StatusBySerde<'_>>>(json),
    ) {
        (Ok(ours), Ok(Object(serdes))) => (ours, serdes),
        (Err(_), Err(_)) => return,
        (ours, serdes) => panic!("one takes it: {ours:?}, {:?}", serdes.err()),
    };
    assert_eq!(ours.kind, serdes.kind.as_deref().and_then(Kind::from_code));
    assert_eq!(ours.is_off, serdes.status.as_deref() == Some("off"));
    let subscription = serdes.subscription.as_ref().and_then(|Object(element)| element.reference.as_deref());
    assert_eq!(ours.subscription.as_deref(), subscription);
    assert_eq!(ours.topic.as_deref(), serdes.topic.as_deref());
    let number = |json: &RawValue| serde_json::from_str::<Scalar<'_>>(json.get()).ok()?.number();
    assert_eq!(ours.events_since_start, serdes.events_since_subscription_start.and_then(number));
    let List { items, count } = serdes.notification_event.unwrap_or_default();
    assert_eq!((ours.events.count, ours.events.items.len()), (count, items.len()));
    for (ours, Object(serdes)) in ours.events.items.iter().zip(&items) {
        assert_eq!(ours.number, serdes.event_number.map(|Number(number)| number));
        assert_eq!(ours.timestamp.as_deref(), serdes.timestamp.as_deref());
        assert_eq!(ours.id.as_deref(), serdes.id.as_deref());
        let focus = serdes.focus.as_ref().map(|Object(element)| element.reference.as_deref());
        match &ours.focus {
            Focus::Absent => assert_eq!(focus, None),
            Focus::Unnamed(_) => assert_eq!(focus, Some(None)),
            Focus::Named(reference) => assert_eq!(focus, Some(Some(&**reference))),
        }
    }
}
