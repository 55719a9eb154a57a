//! [`Deployed`]: the deployed program, in several instances behind a balancer.

use std::path::PathBuf;

use fhir_sub::{FhirClient, Subscription};
use fhir_sub_real::{Deployment, Done, Finished, Program, SECRET, send, subscriptions};
use http::Request;
use http_body_util::Full;

use super::Report;
use super::balancer::Balancer;

/// The deployed program, in several instances behind a balancer, with its own table and effects.
pub(crate) struct Deployed {
    pub(crate) program: Program,
    pub(crate) balancer: Balancer,
    pub(crate) directory: PathBuf,
    instances: Vec<Deployment>,
    /// How many processes were started. Each of them has its own dice.
    started: u64,
    /// The seed of the dice; `None` if nothing fails.
    seed: Option<u64>,
}

impl Deployed {
    /// Starts the instances, and registers the subscriptions.
    pub(crate) async fn start(
        program: Program,
        balancer: Balancer,
        directory: PathBuf,
        instances: usize,
        seed: Option<u64>,
    ) -> Self {
        let mut deployed = Self { program, balancer, directory, instances: Vec::new(), started: 0, seed };
        for _ in 0..instances {
            deployed.start_one().await;
        }
        deployed.instances[0].register().await;
        deployed
    }

    /// Kills the instance at a place, and starts another one.
    pub(crate) async fn kill_one(&mut self, place: usize) {
        let instance = self.instances.remove(place % self.instances.len());
        self.balancer.remove(port(&instance));
        instance.kill().await;
        self.start_one().await;
    }

    /// Kills all instances, and starts others.
    pub(crate) async fn kill_all(&mut self) {
        for instance in &self.instances {
            self.balancer.remove(port(instance));
        }
        let instances = std::mem::take(&mut self.instances);
        let count = instances.len();
        for instance in instances {
            instance.kill().await;
        }
        for _ in 0..count {
            self.start_one().await;
        }
    }

    async fn start_one(&mut self) {
        let instance = self.seeded().serve().await;
        self.balancer.add(port(&instance));
        self.instances.push(instance);
    }

    /// The program with dice that no other process has.
    fn seeded(&mut self) -> Program {
        self.started += 1;
        match self.seed {
            Some(seed) => self.program.with("FRAIL_SEED", &seed.wrapping_add(self.started).to_string()),
            None => self.program.clone(),
        }
    }

    /// Sweeps with the command, however long it takes.
    pub(crate) async fn sweep(&mut self) -> Report {
        Report::new(self.seeded().run(&["sweep"]).await)
    }

    /// Lets an instance sweep, as a schedule does. The results show later.
    pub(crate) fn post_sweep(&self) {
        let request = Request::post("/sweep")
            .header("Host", format!("127.0.0.1:{}", self.balancer.port()))
            .header("X-Subscription-Auth", SECRET)
            .header("Content-Length", "0")
            .body(Full::default())
            .expect("a request");
        let port = self.balancer.port();
        tokio::spawn(async move { drop(send(port, request).await) });
    }

    /// Waits until `status` finds nothing wrong.
    pub(crate) async fn await_active(&self) -> Finished {
        self.instances[0].await_active().await
    }

    pub(crate) async fn subscriptions(&self, fhir: &FhirClient) -> Vec<Subscription> {
        subscriptions(fhir, &self.balancer.base_url()).await
    }

    pub(crate) fn done(&self) -> Done {
        Done::read(&self.directory)
    }

    /// Removes its Subscriptions, so that the server sends it nothing more.
    pub(crate) async fn withdraw(self, fhir: &FhirClient) {
        for subscription in self.subscriptions(fhir).await {
            let id = subscription.text("id").expect("what is stored has an id");
            fhir.delete("Subscription", id).await.expect("a Subscription that can be deleted");
        }
    }
}

fn port(instance: &Deployment) -> u16 {
    let port = instance.base_url.rsplit(':').next().and_then(|port| port.parse().ok());
    port.expect("a port at the end of a base URL")
}
