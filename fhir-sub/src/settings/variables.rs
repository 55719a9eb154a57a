//! [`Variables`]: the settings as text, before they are checked.

use std::collections::{BTreeMap, BTreeSet};
use std::env::VarError;
use std::fmt;
use std::sync::Arc;

use super::reference::{self, Failure, Places, Reference, Unfit, Version, Wanted, resolve};
use super::secret::{self, SharedSecret};
use super::secrets::{PREVIOUS, SECRETS};
use crate::client::Signer;
use crate::problems::Problems;

/// The names of all settings. `fhir_lambda_main!` reads these and no others from the environment.
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
    "FHIR_SUBSCRIPTION_STORE_KEY_PREVIOUS",
    "FHIR_SUBSCRIPTION_STORE_DAYS",
    "FHIR_SUBSCRIPTION_STORE_MAXIMUM",
    "FHIR_SUBSCRIPTION_TRIES",
    "FHIR_SUBSCRIPTION_SWEEP_EVERY",
    "FHIR_SUBSCRIPTION_SWEEP_OVERLAP",
    "FHIR_SUBSCRIPTION_STOP_WITHIN",
    "FHIR_SUBSCRIPTION_BODIES_MAXIMUM",
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

/// The settings that two tenants must not share: the FHIR server, the sign-in there, and everything that lets
/// callers in.
const OF_ONE_TENANT: &[&str] = &[
    "FHIR_BASE_URL",
    "FHIR_AUTH_",
    "FHIR_CLIENT_",
    "FHIR_SUBSCRIPTION_SECRET",
    "FHIR_SUBSCRIPTION_ADMIN_SECRET",
    "FHIR_SUBSCRIPTION_SIGNING_SECRET",
    "FHIR_SUBSCRIPTION_HUB_SECRET",
    "FHIR_SUBSCRIPTION_TOKEN_",
    "FHIR_SUBSCRIPTION_CLIENT_CERTIFICATES",
];

/// The longest time for which the extension caches a version of a secret, in milliseconds. It caches each version
/// separately.
const CACHED: u64 = 5 * 60 * 1000;

/// Settings by name: the environment, changed by `setup`.
#[derive(Clone, Default)]
pub(crate) struct Variables {
    values: BTreeMap<&'static str, String>,
    /// Other names that were set: values for placeholders, or mistakes.
    others: BTreeMap<String, String>,
    /// The names of the program's placeholders.
    placeholders: BTreeSet<String>,
    /// Whether placeholders may be read from the environment.
    has_environment: bool,
    unknown: Vec<String>,
    /// The settings whose references could not be read, and why.
    unread: BTreeMap<&'static str, String>,
    /// The places that settings were read from.
    read: Vec<Wanted>,
    /// The current versions that a rotation has just made the previous ones, while their places still return older
    /// ones. By the names of the settings for previous values.
    superseded: BTreeMap<&'static str, Superseded>,
    pub(super) on_lambda: bool,
    /// The tenant of the settings, if the program has tenants.
    tenant: Option<Tenant>,
    /// Previous versions that were dropped because another tenant had them too. The other one has dropped them as well.
    of_several_tenants: Vec<SharedSecret>,
    /// The signer of the assertions for the FHIR server, if `setup` provides one.
    pub(crate) signer: Option<Arc<dyn Signer>>,
}

/// Settings that are compared or sent exactly as they are written, in which a line end is a mistake.
pub(super) const EXACT: [&str; 12] = [
    "FHIR_SUBSCRIPTION_TOKEN_ISSUER",
    "FHIR_SUBSCRIPTION_TOKEN_AUDIENCE",
    "FHIR_SUBSCRIPTION_TOKEN_CLIENT_ID",
    "FHIR_SUBSCRIPTION_TOKEN_CLIENT_SECRET",
    "FHIR_AUTH_USER",
    "FHIR_AUTH_PASSWORD",
    "FHIR_AUTH_TOKEN_URL",
    "FHIR_AUTH_CLIENT_ID",
    "FHIR_AUTH_CLIENT_SECRET",
    "FHIR_AUTH_KEY_ID",
    "FHIR_AUTH_SCOPE",
    "FHIR_AUTH_AUDIENCE",
];

impl Variables {
    /// The process's environment.
    pub(crate) fn from_environment() -> Self {
        let mut variables = Self { on_lambda: is_lambda(), has_environment: true, ..Self::default() };
        for &name in NAMES {
            variables.set_from_environment(name, name);
        }
        variables
    }

    /// Sets `name` to the value of the environment variable `variable`, if there is one.
    fn set_from_environment(&mut self, name: &str, variable: &str) {
        if self.has_environment {
            self.set_as_found(name, variable, std::env::var(variable));
        }
    }

    /// Sets `name` to the value that the environment has for `variable`.
    pub(super) fn set_as_found(&mut self, name: &str, variable: &str, found: Result<String, VarError>) {
        match found {
            // An empty value counts as absent, so a tenant keeps the shared one.
            Ok(value) if value.is_empty() => {}
            Ok(value) => self.set(name, value),
            Err(VarError::NotPresent) => {}
            // Refused by name, like any other malformed value.
            Err(VarError::NotUnicode(_)) => self.unknown.push(format!("{variable} is not UTF-8")),
        }
    }

    /// The settings of the tenant `name`: its own settings, and the shared ones. The variables of the tenant `north`
    /// begin with `NORTH_`, such as `NORTH_FHIR_BASE_URL`. `all` has the names of all tenants.
    pub(crate) fn of_tenant<'n>(&self, name: &str, all: impl Iterator<Item = &'n str>) -> Self {
        let others = all.filter(|other| *other != name).map(prefix).collect();
        let tenant = Tenant { name: name.to_owned(), prefix: prefix(name), others };
        let is_shared = |name: &&str| !OF_ONE_TENANT.iter().any(|own| name.starts_with(own));
        let shared = self.values.iter().filter(|(name, _)| is_shared(name));
        let mut variables = Self {
            values: shared.map(|(&name, value)| (name, value.clone())).collect(),
            others: self.others.clone(),
            has_environment: self.has_environment,
            on_lambda: self.on_lambda,
            ..Self::default()
        };
        for &name in NAMES {
            let own = format!("{}{name}", tenant.prefix);
            // A value from `setup` takes precedence.
            match variables.others.remove(&own) {
                Some(value) => variables.set(name, value),
                None => variables.set_from_environment(name, &own),
            }
        }
        variables.tenant = Some(tenant);
        variables
    }

    /// The settings that must not be shared by tenants, but are set for all.
    pub(crate) fn set_for_all_tenants(&self) -> impl Iterator<Item = &'static str> {
        self.values.keys().copied().filter(|name| OF_ONE_TENANT.iter().any(|own| name.starts_with(own)))
    }

    /// The tenant of the settings, if the program has tenants.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_ref().map(|tenant| tenant.name.as_str())
    }

    /// The same settings for a program without tenants.
    #[cfg(all(feature = "local", feature = "registration"))]
    pub(crate) fn forget_tenant(&mut self) {
        self.tenant = None;
    }

    /// No settings, under Lambda.
    #[cfg(test)]
    pub(crate) fn of_lambda() -> Self {
        Self { on_lambda: true, ..Self::default() }
    }

    /// Sets `name`. An empty value counts as absent.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        self.read.retain(|(read, ..)| *read != name);
        match NAMES.iter().copied().find(|known| *known == name) {
            Some(known) if value.is_empty() => drop(self.values.remove(known)),
            Some(known) => drop(self.values.insert(known, value)),
            None => drop(self.others.insert(name.to_owned(), value)),
        }
    }

    /// The value for the placeholder `{name}` of a criteria, a topic or a filter: the value that was set, else the
    /// value in the environment.
    pub(crate) fn placeholder(&mut self, name: &str) -> Option<String> {
        let own = self.tenant.as_ref().map(|tenant| format!("{}{name}", tenant.prefix));
        // The variable of a longer name belongs to the tenant of that name.
        let own = own.filter(|own| self.tenant.as_ref().is_some_and(|tenant| !tenant.is_of_another(own)));
        let mut value = |name: &str| {
            self.placeholders.insert(name.to_owned());
            let value = match self.others.get(name) {
                Some(value) => Some(value.clone()),
                None if self.has_environment => std::env::var(name).ok(),
                None => None,
            };
            value.filter(|value| !value.is_empty())
        };
        let own = own.and_then(|own| value(&own));
        let shared = value(name);
        own.or(shared)
    }

    /// Whether `name` is a setting of the program or of any tenant, with or without the prefix of this tenant.
    /// `NORTH_FHIR_AUTH_BEARER` is a setting even before `setup` has named the tenants. `HOST` and `PORT` carry no
    /// secret, and many other names end with them, so such names do not count.
    pub(crate) fn may_be_setting(&self, name: &str) -> bool {
        let own = self.tenant.as_ref().map(|tenant| format!("{}{name}", tenant.prefix));
        let is_setting = |name: &str| {
            let ends = name.match_indices('_').map(|(at, _)| &name[at + 1..]);
            NAMES.contains(&name)
                || ends.into_iter().any(|end| NAMES.contains(&end) && !["HOST", "PORT"].contains(&end))
        };
        is_setting(name) || own.is_some_and(|own| is_setting(&own))
    }

    /// The names of the settings that sign in at the FHIR server.
    #[cfg(all(feature = "local", feature = "registration"))]
    pub(crate) fn of_sign_in() -> impl Iterator<Item = &'static str> {
        NAMES.iter().copied().filter(|name| name.starts_with("FHIR_AUTH_"))
    }

    /// The value of a setting. Not inlined: it has so many callers that this makes the program 14 KB smaller.
    #[inline(never)]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether the program runs under Lambda, where a few defaults are stricter.
    pub(crate) fn on_lambda(&self) -> bool {
        self.on_lambda
    }

    /// The settings that are references, with their places, until they are read.
    pub(crate) fn references(&self) -> impl Iterator<Item = (&'static str, Result<Reference, Unfit>)> {
        self.values.iter().filter_map(|(&name, value)| Some((name, Reference::parse(value)?)))
    }

    /// Whether the value of a setting must be read from another place.
    pub(crate) fn has_references(&self) -> bool {
        self.references().next().is_some()
    }

    /// Reads the values of all settings that are references, and replaces the references.
    ///
    /// Returns an error if the places do not answer yet: then nothing has changed, and a later call may
    /// succeed. [`problems`](Self::problems) reports any other failure.
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
        let values = resolve(wanted.clone(), places).await;
        if values.iter().any(|(_, _, value)| *value == Err(Failure::NotReady)) {
            return Err(NotReady);
        }
        self.read = wanted;
        for (name, version, value) in values {
            match (version, value) {
                (Version::Current, Ok(value)) => drop(self.values.insert(name, value)),
                (Version::Current, Err(failure)) => drop(unread.insert(name, failure.text())),
                // Nobody has set this setting, so an unfit previous version is not a mistake.
                (Version::Previous, Ok(value)) if secret::is_fit(&value) => {
                    drop(self.values.insert(name, value))
                }
                (Version::Previous, _) => {}
            }
        }
        self.drop_unfit_previous();
        unread.keys().for_each(|name| drop(self.values.remove(name)));
        self.unread = unread;
        Ok(())
    }

    /// Where parameters and secrets are read in this process.
    pub(crate) fn places(&self) -> Arc<dyn Places> {
        reference::places(self)
    }

    /// Whether a setting was read from another place, where its value may change.
    pub(crate) fn was_read(&self) -> bool {
        !self.read.is_empty()
    }

    /// The same settings, with the values that the places return now. `now` is in milliseconds since any fixed instant.
    /// An error names the setting that could not be read, and says why.
    pub(super) async fn read_again(&self, places: &dyn Places, now: u64) -> Result<Self, String> {
        let mut fresh = self.clone();
        for (name, version, value) in resolve(self.read.clone(), places).await {
            match (version, value) {
                (Version::Current, Err(failure)) => {
                    return Err(format!("{name} cannot be read again: {}", failure.text()));
                }
                (Version::Current, Ok(value)) => drop(fresh.values.insert(name, value)),
                (Version::Previous, Ok(value)) if secret::is_fit(&value) => {
                    drop(fresh.values.insert(name, value));
                }
                // As at the start, a missing or unfit previous version lets nobody in. The value that was read before
                // must not stay.
                (Version::Previous, Ok(_) | Err(Failure::NoSuchVersion | Failure::Unfit(_))) => {
                    drop(fresh.values.remove(name));
                }
                // The two versions may be read at different moments, but not one of them without the other.
                (Version::Previous, Err(failure)) => {
                    return Err(format!("{name} cannot be read again: {}", failure.text()));
                }
            }
        }
        fresh.drop_unfit_previous();
        for (name, _, version) in &self.read {
            if *version == Version::Previous {
                fresh.keep_previous(name, self, now);
            }
        }
        Ok(fresh)
    }

    /// Drops the previous versions that cannot be accepted beside the other secrets: an operator may have corrected a wrong
    /// value. Nobody has set them, so they are no mistakes.
    fn drop_unfit_previous(&mut self) {
        let previous = self.read.iter().filter(|(_, _, version)| *version == Version::Previous);
        let unfit: Vec<_> =
            previous.map(|(name, ..)| *name).filter(|name| !self.is_fit_previous(name)).collect();
        for name in unfit {
            self.values.remove(name);
        }
    }

    fn is_fit_previous(&self, name: &str) -> bool {
        let Some(value) = self.get(name) else { return true };
        if self.of_several_tenants.contains(&SharedSecret::compared(value)) {
            return false;
        }
        let header = self.get("FHIR_SUBSCRIPTION_HEADER");
        let may_have_scheme =
            name == PREVIOUS && header.is_some_and(|header| header.eq_ignore_ascii_case("authorization"));
        if value.contains(' ') && !may_have_scheme {
            return false;
        }
        let is_other = |other: &str| other != name && Some(other) != name.strip_suffix("_PREVIOUS");
        let mut others =
            SECRETS.into_iter().filter(|other| is_other(other)).filter_map(|other| self.get(other));
        !SECRETS.contains(&name) || !others.any(|other| secret::is_same(other, value))
    }

    /// The secrets that let callers in.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = SharedSecret> {
        SECRETS.into_iter().filter_map(|name| self.get(name)).map(SharedSecret::compared)
    }

    /// Drops the previous versions that are also secrets of other tenants. Nobody has set them, so they are no mistakes.
    pub(crate) fn drop_previous_among(&mut self, of_others: &[SharedSecret]) {
        let previous = self.read.iter().filter(|(_, _, version)| *version == Version::Previous);
        let names =
            previous.map(|(name, ..)| *name).filter(|name| SECRETS.contains(name)).collect::<Vec<_>>();
        for name in names {
            let Some(value) = self.get(name).map(SharedSecret::compared) else { continue };
            let is_known = self.of_several_tenants.contains(&value);
            if !is_known && !of_others.contains(&value) {
                continue;
            }
            self.values.remove(name);
            if !is_known {
                self.of_several_tenants.push(value);
            }
        }
    }

    /// A rotation makes the current version of a secret the previous one. If only the current version has changed, the
    /// previous one was read from a cache. Then the old current version counts as the previous one, until the place
    /// returns another previous version, or until no cache can still hold the older one.
    fn keep_previous(&mut self, previous: &'static str, before: &Self, now: u64) {
        let Some(current) = previous.strip_suffix("_PREVIOUS") else { return };
        let told = self.get(previous).map(str::to_owned);
        let told_before = match before.superseded.get(previous) {
            Some(superseded) => superseded.told.as_deref(),
            None => before.get(previous),
        };
        if told.as_deref() != told_before {
            self.superseded.remove(previous);
        } else if self.get(current) != before.get(current)
            && let Some(value) = before.get(current)
        {
            let superseded = Superseded { value: value.to_owned(), told, until: now + CACHED };
            self.superseded.insert(previous, superseded);
        }
        match self.superseded.get(previous) {
            Some(superseded) if now < superseded.until => {
                self.values.insert(previous, superseded.value.clone());
            }
            _ => drop(self.superseded.remove(previous)),
        }
    }

    /// Whether the settings that `is_meant` selects have the same values in both.
    pub(super) fn is_same(&self, other: &Self, is_meant: impl Fn(&str) -> bool) -> bool {
        let meant = |variables: &Self| {
            let values = variables.values.iter().filter(|(name, _)| is_meant(name));
            values.map(|(&name, value)| (name, value.clone())).collect::<Vec<_>>()
        };
        meant(self) == meant(other)
    }

    /// Reports, for all references, that their places do not answer.
    pub(crate) fn give_up_references(&mut self) {
        let is_reference = |value: &str| Reference::parse(value).is_some();
        let names: Vec<_> =
            self.values.iter().filter(|(_, value)| is_reference(value)).map(|(&name, _)| name).collect();
        for name in names {
            self.values.remove(name);
            self.unread.insert(name, Failure::NotReady.text());
        }
    }

    /// The setting for the previous value of `name`, if such a setting exists and is not set.
    fn previous_of(&self, name: &str) -> Option<&'static str> {
        let previous = NAMES.iter().copied().find(|known| known.strip_suffix("_PREVIOUS") == Some(name))?;
        (!self.values.contains_key(previous)).then_some(previous)
    }

    /// Whether `problem` only says that a setting is absent, and its reference could not be read.
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
        for name in EXACT {
            if self.get(name).is_some_and(|value| value.ends_with(['\n', '\r'])) {
                problems.add(format!(
                    "{name} ends with a line end, which would be a part of it: remove the line end (`echo` adds one, `printf` does not)"
                ));
            }
        }
        let is_of_another = |name: &str| self.tenant.as_ref().is_some_and(|own| own.is_of_another(name));
        let unknown = self.others.keys().filter(|name| !self.placeholders.contains(*name));
        for name in unknown.filter(|name| !is_of_another(name)) {
            problems.add(format!(
                "`set({name:?}, …)` in setup: there is no such setting, and no criteria, topic or filter has a placeholder of \
                 this name; there are the settings {}",
                NAMES.join(", ")
            ));
        }
        problems
    }
}

/// A version of a secret that a rotation has made the previous one, while its place still returns an older one.
#[derive(Clone)]
struct Superseded {
    value: String,
    /// The older version that the place returns.
    told: Option<String>,
    /// The time from which the place's own answer counts.
    until: u64,
}

/// A tenant, and the prefix of its own settings.
#[derive(Clone)]
struct Tenant {
    name: String,
    prefix: String,
    /// The prefixes of the other tenants.
    others: Vec<String>,
}

impl Tenant {
    /// Whether the setting belongs to another tenant. Of `north` and `north-west`, the longer name counts.
    fn is_of_another(&self, name: &str) -> bool {
        let mut others = self.others.iter().filter(|prefix| name.starts_with(prefix.as_str()));
        others.any(|prefix| !name.starts_with(&self.prefix) || prefix.len() > self.prefix.len())
    }
}

/// The prefix of a tenant's own settings: `NORTH_WEST_` for `north-west`.
pub(crate) fn prefix(tenant: &str) -> String {
    let upper = |character: char| match character {
        'a'..='z' => character.to_ascii_uppercase(),
        'A'..='Z' | '0'..='9' => character,
        _ => '_',
    };
    tenant.chars().map(upper).chain(['_']).collect()
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
        // Names only, because the values include the secrets.
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}
