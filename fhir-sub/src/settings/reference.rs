//! [`Reference`]: names the place of a setting's value.

mod answer;
#[cfg(feature = "secrets")]
mod aws;
mod extension;
mod resolve;

use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "secrets")]
use self::aws::Aws;
use self::extension::Extension;
pub(crate) use self::resolve::{Failure, Places, Version};
pub(super) use self::resolve::{Wanted, resolve};

/// Where this process reads parameters and secrets: the extension or the agent, else AWS itself if the feature
/// `secrets` is on.
pub(super) fn places(variables: &super::Variables) -> Arc<dyn Places> {
    let extension = Extension::from_environment(variables.on_lambda());
    #[cfg(feature = "secrets")]
    {
        // Mistakes in the proxies are reported with all settings. The client certificate is for the FHIR server only.
        let connection = super::connection(variables).unwrap_or_default();
        let connection = crate::client::transport::Connection { identity: None, ..connection };
        Arc::new(Aws::after(extension, connection))
    }
    #[cfg(not(feature = "secrets"))]
    Arc::new(extension)
}

/// The place of a setting's value.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Reference {
    /// `file:/run/secrets/fhir`: the content of a file.
    File(PathBuf),
    /// `ssm:/ward/url`: a parameter of AWS Systems Manager.
    Parameter(String),
    /// `secretsmanager:ward/fhir#shared`: a secret of AWS Secrets Manager, or a string within it.
    Secret { id: String, key: Option<String> },
}

/// Why a reference names no place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfit(&'static str);

impl Reference {
    /// The reference in `value`; `None` if `value` is the value itself.
    pub(crate) fn parse(value: &str) -> Option<Result<Self, Unfit>> {
        let (kind, place) = value.split_once(':')?;
        let place = place.trim();
        let reference = match kind {
            "file" => absolute_path(place).map(Self::File),
            "ssm" if place.is_empty() => Err(Unfit("names no parameter: write `ssm:/name`")),
            "ssm" => Ok(Self::Parameter(place.to_owned())),
            "secretsmanager" => secret(place),
            _ => return None,
        };
        Some(reference)
    }
}

fn secret(place: &str) -> Result<Reference, Unfit> {
    let (id, key) = match place.split_once('#') {
        Some((_, "")) => return Err(Unfit("has no key after its `#`: write `secretsmanager:NAME#key`")),
        Some((id, key)) => (id, Some(key.to_owned())),
        None => (place, None),
    };
    if id.is_empty() {
        return Err(Unfit("names no secret: write `secretsmanager:NAME` or `secretsmanager:NAME#key`"));
    }
    Ok(Reference::Secret { id: id.to_owned(), key })
}

/// The path of `file:/path`. Many people write a URL: `file:///path`.
fn absolute_path(place: &str) -> Result<PathBuf, Unfit> {
    let path = PathBuf::from(place.strip_prefix("//").unwrap_or(place));
    if path.is_absolute() { Ok(path) } else { Err(Unfit("has no absolute path: write `file:/path`")) }
}

impl Unfit {
    /// The problem with the reference, and the cure.
    pub(crate) fn reason(&self) -> &'static str {
        self.0
    }
}

#[cfg(test)]
mod tests;
