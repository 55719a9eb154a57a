//! [`Variables`]: the settings as text, before anything of them is believed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::reference::{Failure, Places, Reference, Version, Wanted, resolve};
use super::secret;
use crate::client::Signer;
use crate::problems::Problems;

/// Every name that is a setting. `fhir_lambda_main!` reads these, and no others, from the environment.
const NAMES: &[&str] = &[
    "APP_BASE_URL",
    "FHIR_SUBSCRIPTION_SECRET",
    "FHIR_SUBSCRIPTION_SECRET_PREVIOUS",
    "FHIR_SUBSCRIPTION_ADMIN_SECRET",
    "FHIR_SUBSCRIPTION_SIGNING_SECRET",
    "FHIR_SUBSCRIPTION_SIGNING_SECRET_PREVIOUS",
    "FHIR_SUBSCRIPTION_HUB_SECRET",
    "FHIR_SUBSCRIPTION_HUB_SECRET_PREVIOUS",
    "FHIR_SUBSCRIPTION_TOKEN_ISSUER",
    "FHIR_SUBSCRIPTION_TOKEN_AUDIENCE",
    "FHIR_SUBSCRIPTION_TOKEN_CLIENTS",
    "FHIR_SUBSCRIPTION_TOKEN_JWKS_URL",
    "FHIR_SUBSCRIPTION_CLIENT_CERTIFICATES",
    "FHIR_SUBSCRIPTION_CLIENT_CERTIFICATES_ALB",
    "FHIR_SUBSCRIPTION_TOKEN_CLIENT_ID",
    "FHIR_SUBSCRIPTION_TOKEN_CLIENT_SECRET",
    "FHIR_SUBSCRIPTION_TOKEN_URL",
    "FHIR_SUBSCRIPTION_PAYLOAD",
    "FHIR_SUBSCRIPTION_HEADER",
    "FHIR_SUBSCRIPTION_EVENTS_MAXIMUM",
    "FHIR_SUBSCRIPTION_GAPS",
    "FHIR_SUBSCRIPTION_QUEUE",
    "FHIR_SUBSCRIPTION_QUEUE_CONTENT",
    "FHIR_SUBSCRIPTION_IDEMPOTENCY",
    "FHIR_SUBSCRIPTION_STORE_KEY",
    "FHIR_SUBSCRIPTION_STORE_DAYS",
    "FHIR_SUBSCRIPTION_STORE_MAXIMUM",
    "FHIR_SUBSCRIPTION_TRIES",
    "FHIR_SUBSCRIPTION_SWEEP_EVERY",
    "FHIR_SUBSCRIPTION_SWEEP_OVERLAP",
    "FHIR_SUBSCRIPTION_LOG_REFERENCES",
    "FHIR_SUBSCRIPTION_LOG_ERRORS",
    "FHIR_SUBSCRIPTION_METRICS",
    "FHIR_BASE_URL",
    "FHIR_VERSION",
    "FHIR_SERVER",
    "FHIR_AUTH_BEARER",
    "FHIR_AUTH_USER",
    "FHIR_AUTH_PASSWORD",
    "FHIR_AUTH_TOKEN_URL",
    "FHIR_AUTH_CLIENT_ID",
    "FHIR_AUTH_CLIENT_SECRET",
    "FHIR_AUTH_PRIVATE_KEY",
    "FHIR_AUTH_KEY_ID",
    "FHIR_AUTH_SCOPE",
    "FHIR_AUTH_AUDIENCE",
    "FHIR_ALLOW_HTTP",
    "FHIR_CA_FILE",
    "FHIR_CLIENT_CERTIFICATE_FILE",
    "FHIR_CLIENT_KEY_FILE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "HOST",
    "PORT",
];

/// Settings by name: what the environment says, less what `setup` says otherwise.
#[derive(Default)]
pub(crate) struct Variables {
    values: BTreeMap<&'static str, String>,
    /// What was set by another name: a value for a placeholder, or a mistake.
    others: BTreeMap<String, String>,
    /// The names of the placeholders of the program.
    placeholders: BTreeSet<String>,
    /// Whether the environment has values for placeholders.
    has_environment: bool,
    unknown: Vec<String>,
    /// The settings whose references could not be read, and why.
    unread: BTreeMap<&'static str, String>,
    pub(super) on_lambda: bool,
    /// Who signs the assertions for the FHIR server, where `setup` says.
    pub(crate) signer: Option<Arc<dyn Signer>>,
}

impl Variables {
    /// The process's environment.
    pub(crate) fn from_environment() -> Self {
        let mut variables = Self { on_lambda: is_lambda(), has_environment: true, ..Self::default() };
        for &name in NAMES {
            match std::env::var(name) {
                Ok(value) => variables.set(name, value),
                Err(std::env::VarError::NotPresent) => {}
                // Refused like any other malformed value, by name.
                Err(std::env::VarError::NotUnicode(_)) => {
                    variables.unknown.push(format!("{name} is not UTF-8"))
                }
            }
        }
        variables
    }

    /// None, under Lambda.
    #[cfg(test)]
    pub(crate) fn of_lambda() -> Self {
        Self { on_lambda: true, ..Self::default() }
    }

    /// Sets `name`; an empty value is as good as none.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match NAMES.iter().copied().find(|known| *known == name) {
            Some(known) if value.is_empty() => drop(self.values.remove(known)),
            Some(known) => drop(self.values.insert(known, value)),
            None => drop(self.others.insert(name.to_owned(), value)),
        }
    }

    /// The value for the placeholder `{name}` of a criteria or a filter: what was set, else what the environment says.
    pub(crate) fn placeholder(&mut self, name: &str) -> Option<String> {
        self.placeholders.insert(name.to_owned());
        let value = match self.others.get(name) {
            Some(value) => Some(value.clone()),
            None if self.has_environment => std::env::var(name).ok(),
            None => None,
        };
        value.filter(|value| !value.is_empty())
    }

    /// Whether it is the name of a setting.
    pub(crate) fn is_setting(name: &str) -> bool {
        NAMES.contains(&name)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether the program runs under Lambda, where a few defaults are stricter.
    pub(crate) fn on_lambda(&self) -> bool {
        self.on_lambda
    }

    /// Whether a setting's value stands elsewhere.
    pub(crate) fn has_references(&self) -> bool {
        self.values.values().any(|value| Reference::parse(value).is_some())
    }

    /// Reads the values of all settings that are references, and puts them in the references' place.
    ///
    /// `Err` if the places do not answer yet: then everything is as it was, and a later call may succeed. Any other failure
    /// is told by [`problems`](Self::problems).
    pub(crate) async fn resolve(&mut self, places: &dyn Places) -> Result<(), NotReady> {
        let mut unread = BTreeMap::new();
        let mut wanted: Vec<Wanted> = Vec::new();
        for (&name, value) in &self.values {
            match Reference::parse(value) {
                None => {}
                Some(Err(unfit)) => drop(unread.insert(name, unfit.reason().to_owned())),
                Some(Ok(reference)) => {
                    let previous =
                        self.previous_of(name).filter(|_| matches!(reference, Reference::Secret { .. }));
                    wanted.extend(previous.map(|previous| (previous, reference.clone(), Version::Previous)));
                    wanted.push((name, reference, Version::Current));
                }
            }
        }
        let values = resolve(wanted, places).await;
        if values.iter().any(|(_, _, value)| *value == Err(Failure::NotReady)) {
            return Err(NotReady);
        }
        for (name, version, value) in values {
            match (version, value) {
                (Version::Current, Ok(value)) => drop(self.values.insert(name, value)),
                (Version::Current, Err(failure)) => drop(unread.insert(name, failure.text())),
                // Nobody has set it, so a version that is no secret is no mistake of anybody's.
                (Version::Previous, Ok(value)) if secret::is_fit(&value) => {
                    drop(self.values.insert(name, value))
                }
                (Version::Previous, _) => {}
            }
        }
        unread.keys().for_each(|name| drop(self.values.remove(name)));
        self.unread = unread;
        Ok(())
    }

    /// Says of all references that their places do not answer.
    pub(crate) fn give_up_references(&mut self) {
        let is_reference = |value: &str| Reference::parse(value).is_some();
        let names: Vec<_> =
            self.values.iter().filter(|(_, value)| is_reference(value)).map(|(&name, _)| name).collect();
        for name in names {
            self.values.remove(name);
            self.unread.insert(name, Failure::NotReady.text());
        }
    }

    /// The setting for the value before the current one of `name`, if there is such a setting and it is not set.
    fn previous_of(&self, name: &str) -> Option<&'static str> {
        let previous = NAMES.iter().copied().find(|known| known.strip_suffix("_PREVIOUS") == Some(name))?;
        (!self.values.contains_key(previous)).then_some(previous)
    }

    /// Whether `problem` says no more than that a setting is absent whose reference could not be read.
    pub(super) fn is_of_unread(&self, problem: &str) -> bool {
        self.unread
            .keys()
            .any(|name| problem.strip_prefix(name).is_some_and(|rest| rest.starts_with(" is not set")))
    }

    /// The mistakes in the names.
    pub(super) fn problems(&self) -> Problems {
        let mut problems = Problems::default();
        for unknown in &self.unknown {
            problems.add(unknown.clone());
        }
        for (name, why) in &self.unread {
            problems.add(format!("{name} is a reference that cannot be read: {why}"));
        }
        for (&name, value) in &self.values {
            if Reference::parse(value).is_some() {
                problems.add(format!("{name} is a reference: await `AppBuilder::resolve` before `build`"));
            }
        }
        for name in self.others.keys().filter(|name| !self.placeholders.contains(*name)) {
            problems.add(format!(
                "`set({name:?}, …)` in setup: there is no such setting, and no criteria or filter has a placeholder of this \
                 name; there are the settings {}",
                NAMES.join(", ")
            ));
        }
        problems
    }
}

/// The places of the settings do not answer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotReady;

/// Whether the Lambda runtime started this process.
pub(crate) fn is_lambda() -> bool {
    std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
}

impl fmt::Debug for Variables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: the secrets are among the values.
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}
