//! [`Secrets`]: the secrets of all callers.

use http::HeaderName;

use super::secret::Form;
use super::{CallerToken, SharedSecret, Variables};
use crate::problems::Problems;

/// The secrets of all callers.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    /// The secret that the server shows with every notification; absent if another way lets the server in.
    pub(crate) shared: Option<SharedSecret>,
    /// The secret before the current rotation.
    pub(crate) previous: Option<SharedSecret>,
    /// The secret for the administrator's routes; if absent, `shared` is accepted.
    pub(crate) admin: Option<SharedSecret>,
    /// The key that the server signs notifications with; if absent, they need no signature.
    pub(crate) signing: Option<Signing>,
    /// The key for WebSub signatures, if such a signature alone lets a notification in.
    pub(crate) hub: Option<Signing>,
    /// How the server fetches the token that it shows with every notification, if it shows one.
    pub(crate) caller_token: Option<CallerToken>,
}

/// The secret that signs notifications.
#[derive(Clone, Debug)]
pub(crate) struct Signing {
    pub(crate) current: SharedSecret,
    /// The signing secret before the current rotation.
    pub(crate) previous: Option<SharedSecret>,
}

impl Signing {
    fn new((current, previous): (SharedSecret, Option<SharedSecret>)) -> Self {
        Self { current, previous }
    }
}

const SHARED: &str = "FHIR_SUBSCRIPTION_SECRET";
pub(super) const PREVIOUS: &str = "FHIR_SUBSCRIPTION_SECRET_PREVIOUS";
const ADMIN: &str = "FHIR_SUBSCRIPTION_ADMIN_SECRET";
const SIGNING: &str = "FHIR_SUBSCRIPTION_SIGNING_SECRET";
const SIGNING_PREVIOUS: &str = "FHIR_SUBSCRIPTION_SIGNING_SECRET_PREVIOUS";
const HUB: &str = "FHIR_SUBSCRIPTION_HUB_SECRET";
const HUB_PREVIOUS: &str = "FHIR_SUBSCRIPTION_HUB_SECRET_PREVIOUS";

/// The settings of all secrets that a caller may show or sign with.
pub(super) const SECRETS: [&str; 7] = [SHARED, PREVIOUS, ADMIN, SIGNING, SIGNING_PREVIOUS, HUB, HUB_PREVIOUS];

/// The settings that let callers in without the shared secret.
const ALONE: [&str; 2] = [SIGNING, HUB];

impl Secrets {
    /// Reads them all, and adds their mistakes to `problems`. Callers show secrets in `header`. At least one
    /// secret must be there, unless callers are let in without one.
    pub(super) fn read(
        variables: &Variables,
        header: &HeaderName,
        lets_in_without: bool,
        problems: &mut Problems,
    ) -> Option<Self> {
        let shown = Form::of(header);
        let mut optional = |name, form| problems.collect(SharedSecret::optional(variables, name, form));
        let (shared, previous, admin) =
            (optional(SHARED, shown), optional(PREVIOUS, shown), optional(ADMIN, shown));
        let (signing, signing_previous) =
            (optional(SIGNING, Form::Bare), optional(SIGNING_PREVIOUS, Form::Bare));
        let (hub, hub_previous) = (optional(HUB, Form::Bare), optional(HUB_PREVIOUS, Form::Bare));
        let is_set = |name: &str| variables.get(name).is_some();
        if !is_set(SHARED) && !lets_in_without && !ALONE.iter().any(|name| is_set(name)) {
            problems.add(format!(
                "{SHARED} is not set, and callers cannot authenticate in another way, so anyone could send \
                 notifications; `openssl rand -hex 32` makes a secret"
            ));
        }
        for (name, current) in [(SIGNING_PREVIOUS, SIGNING), (HUB_PREVIOUS, HUB)] {
            if is_set(name) && !is_set(current) {
                problems.add(format!("{name} is set, but {current} is not: set both, or neither"));
            }
        }
        let (shared, previous, admin) = (shared?, previous?, admin?);
        let signing = signing?.zip(Some(signing_previous?)).map(Signing::new);
        let hub = hub?.zip(Some(hub_previous?)).map(Signing::new);
        let secrets = Self { shared, previous, admin, signing, hub, caller_token: None };
        secrets.check(problems);
        Some(secrets)
    }

    /// Two secrets must differ: otherwise, a caller that knows one knows both.
    fn check(&self, problems: &mut Problems) {
        let shown = [(SHARED, self.shared.as_ref()), (PREVIOUS, self.previous.as_ref())];
        for (name, other) in shown {
            if self.admin.is_some() && self.admin.as_ref() == other {
                problems.add(format!(
                    "{ADMIN} is the same as {name}, which the FHIR server stores: choose another one, or leave it out",
                ));
            }
            for (signing, secret) in self.signing_by_name() {
                if Some(secret) == other {
                    problems.add(format!(
                        "{signing} is the same as {name}, which every notification carries, so anyone who \
                         sees one could sign others: choose another one"
                    ));
                }
            }
        }
        let signs = |signing: &Option<Signing>| {
            let secrets = signing.as_ref().map(|signing| [Some(&signing.current), signing.previous.as_ref()]);
            secrets.into_iter().flatten().flatten().cloned().collect::<Vec<_>>()
        };
        if signs(&self.hub).iter().any(|secret| signs(&self.signing).contains(secret)) {
            problems.add(format!(
                "{HUB} is the same as {SIGNING}, now or before a rotation, so the hub could sign the FHIR server's \
                 notifications: choose another one"
            ));
        }
        for (signing, secret) in self.signing_by_name() {
            if self.admin.as_ref() == Some(secret) {
                problems.add(format!(
                    "{ADMIN} is the same as {signing}, which the FHIR server stores: choose another one"
                ));
            }
        }
    }

    fn signing_by_name(&self) -> impl Iterator<Item = (&'static str, &SharedSecret)> {
        let both = [(SIGNING, SIGNING_PREVIOUS, &self.signing), (HUB, HUB_PREVIOUS, &self.hub)];
        both.into_iter().flat_map(|(name, previous_name, signing)| {
            let signing = signing.as_ref();
            let current = signing.map(|signing| (name, &signing.current));
            let previous = signing.and_then(|signing| Some((previous_name, signing.previous.as_ref()?)));
            current.into_iter().chain(previous)
        })
    }

    /// Each secret, with the name of its setting.
    pub(crate) fn by_name(&self) -> impl Iterator<Item = (&'static str, &SharedSecret)> {
        let others = [
            (SHARED, self.shared.as_ref()),
            (PREVIOUS, self.previous.as_ref()),
            (ADMIN, self.admin.as_ref()),
        ];
        let others = others.into_iter().filter_map(|(name, secret)| Some((name, secret?)));
        others.chain(self.signing_by_name())
    }

    /// `text` without the secrets, in case a server repeats what it received.
    #[cfg(feature = "registration")]
    pub(crate) fn hide_in(&self, text: &str) -> String {
        // A server may repeat the whole value of a header, or omit its scheme.
        let hidden = self.by_name().fold(text.to_owned(), |text, (_, secret)| {
            text.replace(secret.expose(), "…").replace(secret.credentials(), "…")
        });
        match &self.caller_token {
            Some(token) => hidden.replace(token.expose_secret(), "…"),
            None => hidden,
        }
    }

    /// Whether a JSON text contains a secret, however it escapes the characters.
    #[cfg(feature = "queue")]
    pub(crate) fn are_in(&self, json: &str) -> bool {
        let shared = self.by_name().map(|(_, secret)| secret.credentials());
        let token = self.caller_token.as_ref().map(CallerToken::expose_secret);
        // A shorter text may be in any notification.
        let secrets = shared.chain(token.filter(|secret| secret.len() >= SharedSecret::SHORTEST));
        let normal = json.contains('\\').then(|| serde_json::from_str::<serde_json::Value>(json));
        let normal = normal.and_then(Result::ok).map(|normal| normal.to_string());
        secrets.map(|secret| serde_json::Value::from(secret).to_string()).any(|quoted| {
            let secret = &quoted[1..quoted.len() - 1];
            json.contains(secret) || normal.as_ref().is_some_and(|json| json.contains(secret))
        })
    }

    /// Settings that are allowed but unwise.
    pub(super) fn warnings(&self) -> Vec<String> {
        let short = self.by_name().filter(|(_, secret)| secret.is_short());
        let mut warnings: Vec<_> = short
            .map(|(name, _)| {
                format!("{name} has fewer than 32 characters: `openssl rand -hex 32` makes a better one")
            })
            .collect();
        let mut rotated = |previous_name: &str, previous: Option<&SharedSecret>, name: &str, current| {
            if previous.is_some() && previous == current {
                warnings.push(format!("{previous_name} is the same as {name}: leave it out, or rotate"));
            }
        };
        rotated(PREVIOUS, self.previous.as_ref(), SHARED, self.shared.as_ref());
        for (previous_name, name, signing) in
            [(SIGNING_PREVIOUS, SIGNING, &self.signing), (HUB_PREVIOUS, HUB, &self.hub)]
        {
            if let Some(signing) = signing {
                rotated(previous_name, signing.previous.as_ref(), name, Some(&signing.current));
            }
        }
        warnings
    }
}
