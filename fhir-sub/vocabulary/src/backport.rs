//! The extensions that carry R5's topics in R4 and R4B: <https://hl7.org/fhir/uv/subscriptions-backport/>.

/// HAPI recognizes a Subscription to a topic by this profile.
#[doc(hidden)]
pub const PROFILE: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription";

/// On `criteria`.
#[doc(hidden)]
pub const FILTER_CRITERIA: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria";
/// On `channel.payload`.
#[doc(hidden)]
pub const PAYLOAD_CONTENT: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content";
/// On `channel`, as are the next two.
#[doc(hidden)]
pub const HEARTBEAT_PERIOD: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-heartbeat-period";
#[doc(hidden)]
pub const TIMEOUT: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-timeout";
#[doc(hidden)]
pub const MAX_COUNT: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-max-count";

/// Every extension of a Subscription.
#[doc(hidden)]
pub const EXTENSIONS: [&str; 5] = [FILTER_CRITERIA, PAYLOAD_CONTENT, HEARTBEAT_PERIOD, TIMEOUT, MAX_COUNT];
