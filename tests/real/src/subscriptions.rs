//! The server's Subscriptions.

use fhir_sub::{FhirClient, Subscription};

/// The Subscriptions with an endpoint under `base_url`, sorted by endpoint.
pub async fn subscriptions(fhir: &FhirClient, base_url: &str) -> Vec<Subscription> {
    let all =
        fhir.search_type::<Subscription>("Subscription", &[]).all().await.expect("a search of Subscriptions");
    let prefix = format!("{base_url}/");
    let mut own: Vec<_> = all.into_iter().filter(|found| endpoint(found).starts_with(&prefix)).collect();
    own.sort_by_key(|found| endpoint(found).to_owned());
    own
}

/// `Subscription.channel.endpoint`.
fn endpoint(subscription: &Subscription) -> &str {
    let endpoint = subscription.channel().and_then(|channel| channel.get("endpoint"));
    endpoint.and_then(|endpoint| endpoint.as_str()).unwrap_or_default()
}

/// The parts of Subscriptions that would change with any write.
#[derive(Debug, PartialEq)]
pub struct Snapshot(Vec<Stored>);

#[derive(Debug, PartialEq)]
pub struct Stored {
    pub endpoint: String,
    pub id: String,
    pub version_id: u64,
    last_updated: String,
    /// How many entries `_history` has.
    versions: usize,
}

impl Snapshot {
    /// The Subscriptions under `base_url`.
    pub async fn take(fhir: &FhirClient, base_url: &str) -> Self {
        let mut all = Vec::new();
        for found in subscriptions(fhir, base_url).await {
            let meta =
                |name| found.get("meta").and_then(|meta| meta[name].as_str()).expect("meta is complete");
            let id = found.text("id").expect("what is stored has an id").to_owned();
            let versions =
                fhir.history::<Subscription>("Subscription", &id).all().await.expect("a history").len();
            all.push(Stored {
                endpoint: endpoint(&found).rsplit('/').next().unwrap_or_default().to_owned(),
                version_id: meta("versionId").parse().expect("HAPI counts versions"),
                last_updated: meta("lastUpdated").to_owned(),
                id,
                versions,
            });
        }
        Self(all)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The Subscription with this endpoint.
    pub fn of(&self, endpoint: &str) -> &Stored {
        self.0.iter().find(|stored| stored.endpoint == endpoint).expect("a Subscription of each endpoint")
    }

    /// The endpoints that are different or absent in `earlier`.
    pub fn changed_since(&self, earlier: &Self) -> Vec<&str> {
        let changed = self.0.iter().filter(|stored| !earlier.0.contains(stored));
        changed.map(|stored| stored.endpoint.as_str()).collect()
    }
}
