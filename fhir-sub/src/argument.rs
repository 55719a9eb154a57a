//! [`Argument`]: compares the type of a handler's argument with the attribute.
//!
//! The attribute expands to one constant for each argument and check, and `cargo check` evaluates it. A
//! mistake is a panic of that constant, reported at the argument's type. The functions are `#[track_caller]`,
//! so the compiler shows nothing of this file.

use std::marker::PhantomData;

use crate::extract::{FromNotification, Resource, ResourceUse};
use crate::fhir_resource::FhirResource;
use crate::uses::Uses;

/// A handler's argument of type `A`.
///
/// Its constants are read as `Argument::<A>::TYPE`. If a type says nothing, the constants of [`Silent`]
/// apply. No trait is required here, so a type that cannot be an argument is reported only once, by
/// [`require`](crate::__private::require).
#[derive(Debug)]
pub struct Argument<A>(PhantomData<A>);

impl<T: FhirResource> Argument<Resource<T>> {
    /// The resource type that the argument is read from.
    pub const TYPE: Option<&'static str> = Some(T::TYPE);
}

impl<T: FhirResource> Argument<Option<Resource<T>>> {
    /// The resource type that the argument is read from.
    pub const TYPE: Option<&'static str> = Some(T::TYPE);
}

impl<A: FromNotification> Argument<A> {
    /// Whether the argument is made from the resource.
    pub const RESOURCE: ResourceUse = A::RESOURCE;
    /// The uses of the argument.
    pub const USES: Uses = Uses::of::<A>();
}

/// The default of an argument.
pub trait Silent {
    /// It may be read from any resource.
    const TYPE: Option<&'static str> = None;
    /// It does not need one.
    const RESOURCE: ResourceUse = ResourceUse::Unused;
    /// It uses nothing.
    const USES: Uses = Uses::NOTHING;
}

impl<A> Silent for Argument<A> {}

/// If an argument names its resource type, it must be the type that the criteria watches.
#[track_caller]
pub const fn must_be_read_from(said: Option<&str>, watched: &str) {
    if let Some(said) = said
        && !is_same(said, watched)
    {
        let message = Message::new()
            .with("the criteria watches `")
            .with(watched)
            .with("`, and this argument is read from `")
            .with(said)
            .with("`: take a type that says `#[fhir(type = \"")
            .with(watched)
            .with("\")]`, or write `criteria = \"")
            .with(said)
            .with("?…\"`");
        panic!("{}", message.text());
    }
}

/// If an argument names its resource type, it must be the type of the topic's filters.
#[track_caller]
pub const fn must_be_read_from_filtered(said: Option<&str>, filtered: &str) {
    if let Some(said) = said
        && !is_same(said, filtered)
    {
        let message = Message::new()
            .with("the topic's filters are of `")
            .with(filtered)
            .with("`, and this argument is read from `")
            .with(said)
            .with("`: take a type that says `#[fhir(type = \"")
            .with(filtered)
            .with("\")]`, or write `filter = \"")
            .with(said)
            .with("?…\"`");
        panic!("{}", message.text());
    }
}

/// If the criteria watches several types, an argument must not name one.
#[track_caller]
pub const fn must_be_read_from_any(said: Option<&str>) {
    if let Some(said) = said {
        let message = Message::new()
            .with("the criteria watches several types, and this argument is read from `")
            .with(said)
            .with("` only: take a type that says none, such as `Resource<serde_json::Value>`");
        panic!("{}", message.text());
    }
}

/// If `on` has `delete`, the resource may be absent.
#[track_caller]
pub const fn must_be_made_from_a_deletion(resource: ResourceUse) {
    if let ResourceUse::Required = resource {
        panic!(
            "`on` has `delete`, and a deletion carries no resource, without which this argument cannot be made: \
             write `Option<Resource<…>>`, or take `delete` out of `on`; an argument type of your own says \
             `ResourceUse::Optional`"
        );
    }
}

/// If `content` is `"empty"` and the criteria watches several types, there is no resource, and no search can
/// find one.
#[track_caller]
pub const fn must_be_made_without_a_search(resource: ResourceUse) {
    if let ResourceUse::Required = resource {
        panic!(
            "`content = \"empty\"` sends no resource, a criteria of several types cannot be searched for it, and this \
             argument is made from one: take `Event`, leave `content` out, or write a criteria of one type"
        );
    }
}

const fn is_same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut index = 0;
    while index < left.len() && index < right.len() && left[index] == right[index] {
        index += 1;
    }
    index == left.len() && index == right.len()
}

/// A text that the compiler puts together, because constants cannot use `format!`.
struct Message {
    bytes: [u8; Self::MAXIMUM_LENGTH],
    length: usize,
}

impl Message {
    /// Enough for all texts above with the longest names of FHIR.
    const MAXIMUM_LENGTH: usize = 512;

    const fn new() -> Self {
        Self { bytes: [0; Self::MAXIMUM_LENGTH], length: 0 }
    }

    /// Adds a piece, unless it is too long.
    const fn with(mut self, piece: &str) -> Self {
        if piece.len() <= Self::MAXIMUM_LENGTH - self.length {
            let (_, rest) = self.bytes.split_at_mut(self.length);
            rest.split_at_mut(piece.len()).0.copy_from_slice(piece.as_bytes());
            self.length += piece.len();
        }
        self
    }

    const fn text(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => unreachable!(),
        }
    }
}
