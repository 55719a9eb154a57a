//! What stands for R5's topics in R4 and R4B: <https://hl7.org/fhir/uv/subscriptions-backport/>.

/// The profile by which HAPI tells a topic's Subscription from a criteria's.
pub(crate) const PROFILE: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription";

/// On `criteria`.
pub(crate) const FILTER_CRITERIA: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria";
/// On `channel.payload`.
pub(crate) const PAYLOAD_CONTENT: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content";
/// On `channel`, as the two that follow.
pub(crate) const HEARTBEAT_PERIOD: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-heartbeat-period";
pub(crate) const TIMEOUT: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-timeout";
pub(crate) const MAX_COUNT: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-max-count";

/// Every extension of a Subscription.
pub(crate) const EXTENSIONS: [&str; 5] =
    [FILTER_CRITERIA, PAYLOAD_CONTENT, HEARTBEAT_PERIOD, TIMEOUT, MAX_COUNT];
