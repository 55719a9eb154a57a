//! [`Incoming`]: endpoint, path prefix and headers of a notification.

use std::fmt;

/// The endpoint of a notification, the part of the path before it, and the headers that
/// [`AppBuilder::allow_header`](crate::AppBuilder::allow_header) names.
///
/// [`tenant`](Self::tenant) is the tenant, if the program has [tenants](crate::AppBuilder::tenant). A gateway may also
/// distinguish tenants by a header that it adds. A header may carry a correlation id, too. Neither path nor headers are
/// logged.
///
/// The events of a sweep and the retries of a dead letter have no request. They have only the endpoint and the tenant.
///
/// ```
/// use fhir_sub::prelude::*;
///
/// async fn setup(app: AppBuilder) -> Result<AppBuilder> {
///     Ok(app.allow_header("x-tenant"))
/// }
///
/// #[fhir_subscription(criteria = "Encounter?status=finished", endpoint = "finished")]
/// async fn finished(incoming: Incoming) -> Result<()> {
///     let Some(tenant) = incoming.header("x-tenant") else {
///         return Err(Error::permanent("the notification is of no tenant"));
///     };
///     println!("{} of {tenant}, under {}", incoming.endpoint(), incoming.prefix());
///     Ok(())
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Incoming {
    pub(crate) tenant: Option<String>,
    pub(crate) endpoint: String,
    pub(crate) prefix: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Incoming {
    /// The endpoint that was called, as the attribute has it.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The tenant whose FHIR server sent the event, if the program has [tenants](crate::AppBuilder::tenant).
    /// The events of a sweep have it, too.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The path before the endpoint, without a slash at its end: `/prod` for `/prod/finished`, and an empty text for `/finished`.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The header `name`, in any case. `None` unless [`setup`](crate::AppBuilder::allow_header) allows the header, and
    /// the request has it exactly once, as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A header may contain personal data.
        formatter.debug_struct("Incoming").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// The same, borrowed from a request, so that only a handler that asks for it pays for a copy.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way<'a> {
    /// The path of the request up to the endpoint.
    pub(crate) path: &'a str,
    /// The headers that the app allows, in lower case.
    pub(crate) headers: &'a [(String, String)],
}

impl<'a> Way<'a> {
    /// The path and headers of a request. If the request names a resource, its path continues with `Type/id`
    /// after the endpoint.
    pub(crate) fn new(path: &'a str, names_resource: bool, headers: &'a [(String, String)]) -> Self {
        let path = path.strip_suffix('/').unwrap_or(path);
        let endpoint = || path.rsplitn(3, '/').nth(2).unwrap_or_default();
        Self { path: if names_resource { endpoint() } else { path }, headers }
    }

    /// The path before the endpoint.
    pub(crate) fn prefix(&self) -> &'a str {
        self.path.rsplit_once('/').map_or("", |(prefix, _)| prefix.trim_end_matches('/'))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        header(self.headers, name)
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_the_endpoint() {
        for (path, names_resource, prefix) in [
            ("/e", false, ""),
            ("/e/", false, ""),
            ("/prod/e", false, "/prod"),
            ("/prod//e", false, "/prod"),
            ("/prod/north/e/", false, "/prod/north"),
            ("/e/Patient/1", true, ""),
            ("/prod/e/Patient/1", true, "/prod"),
            ("/prod/e/Patient/e/", true, "/prod"),
            ("", false, ""),
        ] {
            assert_eq!(Way::new(path, names_resource, &[]).prefix(), prefix, "{path}");
        }
    }

    #[test]
    fn a_header_is_found_in_any_case_and_shown_nowhere() {
        let headers = vec![("x-tenant".to_owned(), "canary".to_owned())];
        let incoming = Incoming { tenant: None, endpoint: "e".into(), prefix: "/canary".into(), headers };
        assert_eq!((incoming.header("X-Tenant"), incoming.header("x-other")), (Some("canary"), None));
        assert!(!format!("{incoming:?}").contains("canary"));
    }
}
