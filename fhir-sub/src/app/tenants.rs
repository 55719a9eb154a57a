//! Tenants: several FHIR servers in one program, each with settings, secrets and records of its own.

use std::sync::Arc;

use fhir_sub_search::routes::ROUTES;

use super::{App, AppBuilder, Bodies, Parts};
#[cfg(all(feature = "lambda", feature = "registration"))]
use crate::deadline::Deadline;
use crate::problems::Problems;
use crate::registry::Registry;
use crate::settings::{BODY_LIMIT, Certificates, Settings, SharedSecret, bodies_maximum, prefix};

/// A tenant's name, and its app.
pub(super) struct Tenant {
    name: Box<str>,
    app: App,
}

/// A tenant that `setup` names, and how it differs from the others.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) set_up: Box<dyn FnOnce(AppBuilder) -> AppBuilder + Send>,
}

impl App {
    /// The app that answers requests to this path: this app, or the app of the tenant in the path.
    pub(crate) fn serving(&self, path: &str) -> &Self {
        if self.0.tenants.is_empty() {
            return self;
        }
        path.split('/').find_map(|segment| self.tenant(segment)).unwrap_or(self)
    }

    /// The app of the tenant `name`.
    pub(crate) fn tenant(&self, name: &str) -> Option<&Self> {
        self.0.tenants.iter().find(|tenant| *tenant.name == *name).map(|tenant| &tenant.app)
    }

    /// Whether the program has tenants. Then the app itself has no handlers, and refuses everybody.
    pub(crate) fn has_tenants(&self) -> bool {
        !self.0.tenants.is_empty()
    }

    /// The apps of the program: one, or one for each tenant.
    pub(crate) fn apps(&self) -> impl Iterator<Item = &Self> {
        let own = self.0.tenants.is_empty().then_some(self);
        own.into_iter().chain(self.0.tenants.iter().map(|tenant| &tenant.app))
    }

    /// The apps of the program. Each gets an equal share of the time that is left when its turn comes.
    #[cfg(all(feature = "lambda", feature = "registration"))]
    pub(crate) fn apps_in_turn(&self, deadline: Deadline) -> impl Iterator<Item = (&Self, Deadline)> {
        let count = self.apps().count();
        self.apps().enumerate().map(move |(place, app)| (app, deadline.share(count - place)))
    }

    /// The name of the app's tenant, if the program has tenants.
    pub(crate) fn tenant_name(&self) -> Option<&str> {
        self.settings().tenant.as_deref()
    }
}

impl AppBuilder {
    /// Gives each tenant of `setup` a builder of its own. A second call changes nothing.
    pub(crate) fn expand(&mut self) {
        let named = std::mem::take(&mut self.named);
        let names: Vec<_> = named.iter().map(|tenant| tenant.name.clone()).collect();
        for Named { name, set_up } in named {
            let builder = set_up(self.of_tenant(&name, &names));
            self.tenants.push((name, builder));
        }
    }

    /// Whether the settings name a FHIR server; with tenants, the settings of any tenant.
    #[cfg(all(feature = "local", feature = "registration"))]
    pub(crate) fn names_a_server(&mut self) -> bool {
        self.expand();
        let names = |builder: &Self| builder.variables.get("FHIR_BASE_URL").is_some();
        names(self) || self.tenants.iter().any(|(_, tenant)| names(tenant))
    }

    /// The builder of the first tenant, for a program without tenants. If there are no tenants, this builder.
    #[cfg(all(feature = "local", feature = "registration"))]
    pub(crate) fn into_first_tenant(mut self) -> Self {
        self.expand();
        match self.tenants.into_iter().next() {
            Some((_, mut first)) => {
                first.variables.forget_tenant();
                first
            }
            None => Self { tenants: Vec::new(), ..self },
        }
    }

    /// Drops the previous version of a secret that is also a secret of another tenant: the secrets may have been created with one
    /// first value.
    pub(super) fn drop_previous_of_others(&mut self) {
        let secrets: Vec<Vec<_>> =
            self.tenants.iter().map(|(_, tenant)| tenant.variables.secrets().collect()).collect();
        for (at, (_, tenant)) in self.tenants.iter_mut().enumerate() {
            let others = secrets.iter().enumerate().filter(|(place, _)| *place != at);
            let of_others: Vec<_> = others.flat_map(|(_, secrets)| secrets).cloned().collect();
            tenant.variables.drop_previous_among(&of_others);
        }
    }

    fn of_tenant(&self, name: &str, all: &[String]) -> Self {
        Self {
            states: self.states.clone(),
            headers: self.headers.clone(),
            root_certificates: self.root_certificates.clone(),
            proxy: self.proxy.clone(),
            transport: self.transport.clone(),
            #[cfg(feature = "inspector")]
            front: self.front,
            places: self.places.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            spans: self.spans.clone(),
            body_limit: self.body_limit,
            time_limit: self.time_limit,
            ..Self::new(
                self.variables.of_tenant(name, all.iter().map(String::as_str)),
                self.declarations.clone(),
            )
        }
    }

    /// Builds the app of a program with tenants. It has no handlers of its own, and an app for each tenant.
    pub(super) fn build_tenants(self) -> Result<App, Problems> {
        let mut problems = Problems::default();
        for problem in self.problems_of_tenants() {
            problems.add(problem);
        }
        let mut tenants: Vec<Tenant> = Vec::new();
        let body_limits = self.tenants.iter().map(|(_, tenant)| tenant.body_limit.unwrap_or(BODY_LIMIT));
        // Each tenant names a mistake of this setting.
        let bodies_maximum = bodies_maximum(&self.variables, &mut Problems::default());
        let bodies = Bodies::new(bodies_maximum, body_limits.max().unwrap_or(BODY_LIMIT));
        let base_url = self.variables.get("APP_BASE_URL").map(|url| url.trim_end_matches('/').to_owned());
        for (name, mut builder) in self.tenants {
            if let Some(base_url) = &base_url
                && builder.variables.get("APP_BASE_URL") == self.variables.get("APP_BASE_URL")
            {
                builder.variables.set("APP_BASE_URL", format!("{base_url}/{name}"));
            }
            builder.bodies = Some(bodies.clone());
            match builder.build() {
                Ok(app) => tenants.push(Tenant { name: name.into(), app }),
                Err(found) => {
                    for problem in found.iter() {
                        problems.add(format!(
                            "tenant `{name}`, whose settings begin with {}: {problem}",
                            prefix(&name)
                        ));
                    }
                }
            }
        }
        for Tenant { name, app } in &tenants {
            let path = app.settings().base_url.url().path();
            let named = path.split('/').find_map(|segment| tenants.iter().find(|it| *it.name == *segment));
            if named.is_none_or(|named| named.name != *name) {
                problems.add(format!(
                    "{}APP_BASE_URL is {}, and a notification there would not be of the tenant `{name}`: the first name of a \
                     tenant in its path must be `{name}`",
                    prefix(name),
                    app.settings().base_url.as_str(),
                ));
            }
        }
        for (at, one) in tenants.iter().enumerate() {
            for other in &tenants[at + 1..] {
                for what in common(one.app.settings(), other.app.settings()) {
                    problems.add(format!(
                        "the tenants `{}` and `{}` have the same {what}: callers of one could call the \
                         other; give each its own",
                        one.name, other.name
                    ));
                }
            }
        }
        for tenant in &tenants {
            let others = tenants.iter().filter(|other| other.name != tenant.name);
            tenant.app.keep_apart_from(others.map(|other| &other.app));
        }
        let Some(first) = tenants.first() else { return Err(problems) };
        let shell = first
            .app
            .with(Arc::new(Registry::empty()), Settings { tenant: None, ..first.app.settings().clone() });
        let mut app = problems.or(shell)?;
        if let Some(parts) = Arc::get_mut(&mut app.0) {
            parts.tenants = tenants;
        }
        Ok(app)
    }

    /// The mistakes in the tenants' names, and in settings that `setup` or the environment sets for all tenants.
    fn problems_of_tenants(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for name in self.variables.set_for_all_tenants() {
            let example = self.tenants.first().map(|(tenant, _)| prefix(tenant)).unwrap_or_default();
            problems.push(format!(
                "{name} is set for all tenants, and each tenant needs its own: set {example}{name} and so on, and leave {name} \
                 out"
            ));
        }
        if !self.sources.is_empty() {
            problems.push(
                "`source` of `setup` is called for all tenants: call it within `tenant`, for the tenant that may read there"
                    .into(),
            );
        }
        if self.token_provider.is_some() || self.variables.signer.is_some() {
            problems.push(
                "`token_provider` or `signer` of `setup` is called for all tenants: call it within \
                 `tenant`, for the tenant that signs in with it"
                    .into(),
            );
        }
        let base_url = self.variables.get("APP_BASE_URL").unwrap_or_default();
        for (at, (name, builder)) in self.tenants.iter().enumerate() {
            let mut problem = |what: &str| problems.push(format!("`tenant({name:?}, …)` of `setup`: {what}"));
            let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_of_a_name) || matches!(&**name, "." | "..") {
                problem(
                    "the name is a segment of the path: write it with letters, digits, `-`, `.`, `_` and `~`",
                );
            }
            if !builder.named.is_empty() {
                problem("a tenant has no tenants of its own: call `tenant` of the program's app");
            }
            if ROUTES.contains(&&**name) {
                problem("a route of fhir-sub has this name: write another");
            }
            if self.declarations.iter().any(|declaration| declaration.endpoint == name) {
                problem("an endpoint has this name: write another");
            }
            if base_url.split('/').skip(3).any(|segment| segment == name) {
                problem(
                    "the path of APP_BASE_URL has this segment, so requests could not be told apart: write another",
                );
            }
            let earlier = &self.tenants[..at];
            if earlier.iter().any(|(other, _)| other == name) {
                problem("an earlier tenant has this name: write another, or leave one of them out");
            } else if earlier.iter().any(|(other, _)| prefix(other) == prefix(name)) {
                problem("another tenant's settings begin with the same prefix: write another name");
            }
        }
        problems
    }
}

/// The names of the settings by which a caller of one tenant could call the other, too.
fn common(one: &Settings, other: &Settings) -> Vec<&'static str> {
    let mut common: Vec<_> = one
        .secrets
        .by_name()
        .filter(|(_, secret)| other.secrets.by_name().any(|(_, its): (_, &SharedSecret)| its == *secret))
        .map(|(name, _)| name)
        .collect();
    if let (Some(one), Some(other)) = (&one.callers.certificates, &other.callers.certificates)
        && overlap(one, other)
    {
        common.push("client in FHIR_SUBSCRIPTION_CLIENT_CERTIFICATES");
    }
    #[cfg(feature = "token")]
    if let (Some(one), Some(other)) = (&one.callers.token, &other.callers.token)
        && one.lets_in_callers_of(other)
    {
        common.push("issuer, audience and client in FHIR_SUBSCRIPTION_TOKEN_…");
    }
    common
}

fn overlap(one: &Certificates, other: &Certificates) -> bool {
    one.subjects.iter().any(|subject| other.subjects.contains(subject))
        || one.fingerprints.iter().any(|fingerprint| other.fingerprints.contains(fingerprint))
}

impl Parts {
    /// The tenants of an app without tenants.
    pub(super) const NO_TENANTS: Vec<Tenant> = Vec::new();
}

#[cfg(all(test, feature = "registration"))]
mod tests;
