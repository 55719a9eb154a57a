//! Topics' declarations and settings, for tests.

use serde_json::Value;

use crate::declaration::{Content, Declaration, Topic, Trigger};
use crate::extract::Resource;
use crate::fhir::{FhirVersion, FhirVersions};
use crate::fixtures::{Succeed, declaration, leak};
use crate::registration::wanted::{Wanted, wanted};
use crate::settings::{Settings, Variables};

pub(in crate::registration) const SECRET: &str = "a-secret-of-more-than-32-characters";

/// A topic with every optional part.
pub(in crate::registration) const ADMISSIONS: Topic = Topic {
    url: "https://example.org/topics/admission|1",
    filters: &["Encounter?patient=Patient/1&identifier=IMP", "Encounter?status=in-progress"],
    heartbeat: Some(60),
    timeout: Some(30),
    max_count: Some(10),
};

/// A topic that every server accepts.
pub(in crate::registration) const NARROWED: Topic = Topic { filters: &["Encounter?identifier=IMP"], ..BARE };

/// A topic with only its URL.
pub(in crate::registration) const BARE: Topic = Topic {
    url: "https://example.org/topics/admission",
    filters: &[],
    heartbeat: None,
    timeout: None,
    max_count: None,
};

pub(in crate::registration) fn admissions(topic: Topic) -> Declaration {
    Declaration {
        trigger: Trigger::Topic(topic),
        content: Content::IdOnly,
        versions: FhirVersions::of(&[FhirVersion::R4, FhirVersion::R4B, FhirVersion::R5]),
        ..declaration::<Resource<Value>, Succeed>("", "admissions")
    }
}

/// The settings for a server in a version; `base_url` is the app's.
pub(in crate::registration) fn settings_under(base_url: &str, server: &str, version: &str) -> Settings {
    settings_with(server, version, &[("APP_BASE_URL", base_url)])
}

/// The settings for a server in a version, with `further` ones.
pub(in crate::registration) fn settings_with(
    server: &str,
    version: &str,
    further: &[(&str, &str)],
) -> Settings {
    let mut variables = Variables::default();
    let usual = [
        ("APP_BASE_URL", "https://app.example.org"),
        ("FHIR_BASE_URL", "https://fhir.example.org"),
        ("FHIR_SUBSCRIPTION_SECRET", SECRET),
        ("FHIR_SERVER", server),
        ("FHIR_VERSION", version),
    ];
    for (name, value) in usual.iter().chain(further) {
        variables.set(name, *value);
    }
    Settings::read(&variables).unwrap()
}

pub(in crate::registration) fn settings(server: &str, version: &str) -> Settings {
    settings_under("https://app.example.org", server, version)
}

pub(in crate::registration) fn wants(declaration: Declaration, settings: &Settings) -> Wanted {
    wanted(leak([declaration])[0], settings).unwrap()
}

/// Why a server cannot do it; empty if it can.
pub(in crate::registration) fn refusal(declaration: Declaration, settings: &Settings) -> String {
    let wanted = wanted(leak([declaration])[0], settings);
    wanted.err().map(|problems| problems.to_string()).unwrap_or_default()
}
