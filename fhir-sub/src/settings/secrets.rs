//! [`Secrets`]: who may call what.

use http::HeaderName;

use super::secret::Form;
use super::{CallerToken, SharedSecret, Variables};
use crate::problems::Problems;

/// The callers, and their secrets.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    /// The secret that the server shows with every notification.
    pub(crate) shared: SharedSecret,
    /// The secret before the current rotation.
    pub(crate) previous: Option<SharedSecret>,
    /// What opens the routes of administration; where absent, `shared` does.
    pub(crate) admin: Option<SharedSecret>,
    /// What the server signs notifications with; where absent, they need no signature.
    pub(crate) signing: Option<Signing>,
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

const SHARED: &str = "FHIR_SUBSCRIPTION_SECRET";
const PREVIOUS: &str = "FHIR_SUBSCRIPTION_SECRET_PREVIOUS";
const ADMIN: &str = "FHIR_SUBSCRIPTION_ADMIN_SECRET";
const SIGNING: &str = "FHIR_SUBSCRIPTION_SIGNING_SECRET";
const SIGNING_PREVIOUS: &str = "FHIR_SUBSCRIPTION_SIGNING_SECRET_PREVIOUS";

impl Secrets {
    /// Reads them all, and adds what is wrong with them to `problems`; callers show them in `header`.
    pub(super) fn read(variables: &Variables, header: &HeaderName, problems: &mut Problems) -> Option<Self> {
        let shown = Form::of(header);
        let shared = problems.collect(SharedSecret::required(variables, SHARED, shown));
        let mut optional = |name, form| problems.collect(SharedSecret::optional(variables, name, form));
        let (previous, admin) = (optional(PREVIOUS, shown), optional(ADMIN, shown));
        let (signing, signing_previous) =
            (optional(SIGNING, Form::Bare), optional(SIGNING_PREVIOUS, Form::Bare));
        if variables.get(SIGNING).is_none() && variables.get(SIGNING_PREVIOUS).is_some() {
            problems.add(format!("{SIGNING_PREVIOUS} is set, but {SIGNING} is not: set both, or neither"));
        }
        let signing = match (signing?, signing_previous?) {
            (Some(current), previous) => Some(Signing { current, previous }),
            (None, _) => None,
        };
        let secrets =
            Self { shared: shared?, previous: previous?, admin: admin?, signing, caller_token: None };
        secrets.check(problems);
        Some(secrets)
    }

    /// A secret that whoever knows another one knows too guards nothing.
    fn check(&self, problems: &mut Problems) {
        let shown = [(SHARED, Some(&self.shared)), (PREVIOUS, self.previous.as_ref())];
        for (name, other) in shown {
            if self.admin.is_some() && self.admin.as_ref() == other {
                problems.add(format!(
                    "{ADMIN} is the same as {name}, which the FHIR server stores: choose another one, or leave it out",
                ));
            }
            for (signing, secret) in self.signing_by_name() {
                if Some(secret) == other {
                    problems.add(format!(
                        "{signing} is the same as {name}, which every notification carries, so that whoever sees one \
                         could sign others: choose another one"
                    ));
                }
            }
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
        let signing = self.signing.as_ref();
        let current = signing.map(|signing| (SIGNING, &signing.current));
        let previous = signing.and_then(|signing| Some((SIGNING_PREVIOUS, signing.previous.as_ref()?)));
        current.into_iter().chain(previous)
    }

    fn by_name(&self) -> impl Iterator<Item = (&'static str, &SharedSecret)> {
        let others =
            [(SHARED, Some(&self.shared)), (PREVIOUS, self.previous.as_ref()), (ADMIN, self.admin.as_ref())];
        let others = others.into_iter().filter_map(|(name, secret)| Some((name, secret?)));
        others.chain(self.signing_by_name())
    }

    /// `text` without any of them, should a server repeat what it was sent.
    #[cfg(feature = "registration")]
    pub(crate) fn hide_in(&self, text: &str) -> String {
        // A server may repeat the whole value of a header, or leave its scheme out.
        let hidden = self.by_name().fold(text.to_owned(), |text, (_, secret)| {
            text.replace(secret.expose(), "…").replace(secret.credentials(), "…")
        });
        match &self.caller_token {
            Some(token) => hidden.replace(token.expose_secret(), "…"),
            None => hidden,
        }
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
            if previous == Some(current) {
                warnings.push(format!("{previous_name} is the same as {name}: leave it out, or rotate"));
            }
        };
        rotated(PREVIOUS, self.previous.as_ref(), SHARED, &self.shared);
        if let Some(signing) = &self.signing {
            rotated(SIGNING_PREVIOUS, signing.previous.as_ref(), SIGNING, &signing.current);
        }
        warnings
    }
}
