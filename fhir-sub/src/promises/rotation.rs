//! Secrets that are rotated while notifications come: whoever should be let in is let in, and nobody else.

mod extension;
mod sign_in;
mod store_key;
mod tenants;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use serde_json::json;

use self::extension::{Extension, seconds};
use crate::app::AppBuilder;
use crate::event::Event;
use crate::fixtures::{Succeed, declaration, leak};
use crate::sandbox::Behaviour;
use crate::signature::sign;
use crate::testing::{TestApp, TestRequest};

/// A secret that callers show, or sign with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shown {
    Shared,
    Admin,
    Signing,
    Hub,
}

impl Shown {
    const ALL: [Self; 4] = [Self::Shared, Self::Admin, Self::Signing, Self::Hub];

    fn setting(self) -> &'static str {
        match self {
            Self::Shared => "FHIR_SUBSCRIPTION_SECRET",
            Self::Admin => "FHIR_SUBSCRIPTION_ADMIN_SECRET",
            Self::Signing => "FHIR_SUBSCRIPTION_SIGNING_SECRET",
            Self::Hub => "FHIR_SUBSCRIPTION_HUB_SECRET",
        }
    }

    /// Whether the version before the current one lets in too.
    fn has_previous(self) -> bool {
        self != Self::Admin
    }

    /// A request of who has `secret`.
    fn request(self, secret: &str) -> TestRequest {
        let patient = json!({ "resourceType": "Patient", "id": "1", "meta": { "versionId": "1" } });
        let request = TestRequest::medplum("e", crate::Interaction::Update, &patient);
        let signature = sign(secret, request.sent_body());
        match self {
            Self::Shared => request.secret(secret),
            Self::Admin => TestRequest::new(http::Method::GET, "status").secret(secret),
            Self::Signing => request.header("x-signature", &signature),
            Self::Hub => request.header("x-hub-signature", &format!("sha256={signature}")).without_secret(),
        }
    }
}

fn builder(extension: &Arc<Extension>) -> AppBuilder {
    let patients = declaration::<Event, Succeed>("Patient?", "e");
    TestApp::builder(Behaviour::Medplum, leak([patients])).places(extension.clone())
}

/// An app that reads `shown` from the secret `rotating` of Secrets Manager.
async fn app(shown: Shown, extension: &Arc<Extension>) -> TestApp {
    let builder = builder(extension).set(shown.setting(), "secretsmanager:rotating#it");
    TestApp::build(Behaviour::Medplum, builder.resolve().await).unwrap()
}

fn version(number: u32) -> String {
    format!("version-{number}-of-a-secret-of-the-ward")
}

/// Whether `secret` lets in.
async fn lets_in(test: &TestApp, shown: Shown, secret: &str) -> bool {
    let status = test.send(shown.request(secret)).await.status();
    assert!([200, 204, 401].contains(&status), "{status}");
    status != 401
}

/// The server learns of a new version a while after Secrets Manager, as registration tells it. It sends every five seconds, beside
/// somebody who has an old version, and strangers.
#[tokio::test(start_paused = true)]
async fn a_rotation_refuses_no_notification_and_lets_no_old_one_in() {
    for shown in Shown::ALL {
        for strangers in [0, 1, 50] {
            let extension = Arc::new(Extension::of("rotating", version(0)));
            let test = app(shown, &extension).await;
            let (mut current, mut of_server) = (0, 0);
            for second in (5..3600).step_by(5) {
                tokio::time::sleep(seconds(5)).await;
                if second % 600 == 0 {
                    current += 1;
                    extension.rotate("rotating", version(current));
                }
                if second % 600 == 75 {
                    of_server = current;
                }
                for _ in 0..strangers {
                    assert!(!lets_in(&test, shown, "nobody-has-this-secret-ever").await, "{shown:?}");
                }
                // Where the version before lets in too, the server may be told later.
                if shown.has_previous() || of_server == current {
                    let told = lets_in(&test, shown, &version(of_server)).await;
                    assert!(told, "{shown:?}, {strangers} strangers, second {second}");
                }
                // Five minutes after it is no version of now, an old version lets nobody in, whether or not anybody was refused.
                let oldest = of_server.checked_sub(if shown.has_previous() { 2 } else { 1 });
                if let Some(oldest) = oldest
                    && second % 600 > 310 + 75
                {
                    let old = lets_in(&test, shown, &version(oldest)).await;
                    assert!(!old, "{shown:?}, {strangers} strangers, second {second}");
                }
            }
            let minutes = 60;
            assert!(extension.readings() <= minutes + 1, "{}", extension.readings());
        }
    }
}

/// Without an earlier refusal, the first notification with a new secret is let in, not the second one.
#[tokio::test(start_paused = true)]
async fn the_refused_notification_itself_is_let_in_with_the_new_secret() {
    for shown in Shown::ALL {
        let extension = Arc::new(Extension::of("rotating", version(0)));
        let test = app(shown, &extension).await;
        for number in 1..4 {
            tokio::time::sleep(seconds(61)).await;
            extension.rotate("rotating", version(number));
            // Several at once: one reads, and all have the result.
            let all = (0..20).map(|_| async { lets_in(&test, shown, &version(number)).await });
            let before = extension.readings();
            assert!(futures_util::future::join_all(all).await.iter().all(|is_in| *is_in), "{shown:?}");
            assert_eq!(extension.readings(), before + 1);
            assert_eq!(lets_in(&test, shown, &version(number - 1)).await, shown.has_previous());
            assert!(number < 2 || !lets_in(&test, shown, &version(number - 2)).await, "{shown:?}");
        }
    }
}

/// A stranger costs the program one reading a minute and nobody's time but his own.
#[tokio::test(start_paused = true)]
async fn a_stranger_slows_nobody_down() {
    let extension = Arc::new(Extension::of("rotating", version(0)));
    let test = app(Shown::Shared, &extension).await;
    tokio::time::sleep(seconds(61)).await;
    extension.takes(seconds(3600));
    let begun = tokio::time::Instant::now();
    let strangers = (0..100).map(|_| lets_in(&test, Shown::Shared, "nobody-has-this-secret-ever"));
    let server = async {
        for _ in 0..100 {
            assert!(lets_in(&test, Shown::Shared, &version(0)).await);
        }
        assert_eq!(begun.elapsed(), Duration::ZERO, "who has the secret waits for nothing");
    };
    let (refused, ()) = tokio::join!(futures_util::future::join_all(strangers), server);
    assert!(!refused.contains(&true));
    assert_eq!((begun.elapsed(), extension.readings()), (seconds(5), 2), "one at the start, one now");
}

/// The new value may be missing, empty, too short, or equal to another secret. Such a value lets nobody in and shuts nobody out.
#[tokio::test(start_paused = true)]
async fn a_reading_that_fails_leaves_the_secrets_as_they_were() {
    let extension = Arc::new(Extension::of("rotating", version(0)));
    let test = app(Shown::Signing, &extension).await;
    let shared = "the-secret-of-a-test-and-no-other";
    for wrong in ["", "short", shared] {
        tokio::time::sleep(seconds(61)).await;
        extension.rotate("rotating", wrong.into());
        assert!(!lets_in(&test, Shown::Signing, "nobody-has-this-secret-ever").await);
        assert!(!lets_in(&test, Shown::Signing, wrong).await, "{wrong}");
        assert!(lets_in(&test, Shown::Signing, &version(0)).await, "{wrong}");
    }
    extension.is_down.store(true, SeqCst);
    tokio::time::sleep(seconds(61)).await;
    extension.rotate("rotating", version(1));
    assert!(!lets_in(&test, Shown::Signing, &version(1)).await, "it cannot be known");
    assert!(lets_in(&test, Shown::Signing, &version(0)).await);
    extension.is_down.store(false, SeqCst);
    extension.rotate("rotating", version(2));
    tokio::time::sleep(seconds(61)).await;
    assert!(lets_in(&test, Shown::Signing, &version(2)).await);
}

/// The extension caches each version by itself, so that the version before the current one may be an older one than it should.
#[tokio::test(start_paused = true)]
async fn a_previous_version_from_a_cache_shuts_nobody_out() {
    let extension = Arc::new(Extension::of("rotating", version(0)));
    extension.rotate("rotating", version(1));
    let test = app(Shown::Shared, &extension).await;
    extension.caches_previous.store(true, SeqCst);
    tokio::time::sleep(seconds(61)).await;
    assert!(!lets_in(&test, Shown::Shared, "nobody-has-this-secret-ever").await);
    tokio::time::sleep(seconds(61)).await;
    extension.rotate("rotating", version(2));
    assert!(lets_in(&test, Shown::Shared, &version(2)).await);
    // The cache holds for five minutes, and the secrets are read again in each of them.
    for minute in 0..4 {
        let told = lets_in(&test, Shown::Shared, &version(1)).await;
        assert!(told, "the server has not been told yet, minute {minute}");
        assert!(!lets_in(&test, Shown::Shared, &version(0)).await, "minute {minute}");
        tokio::time::sleep(seconds(61)).await;
    }
    extension.caches_previous.store(false, SeqCst);
    assert!(lets_in(&test, Shown::Shared, &version(1)).await);
    assert!(!lets_in(&test, Shown::Shared, &version(0)).await);
}

/// A leaked secret is no previous version once Secrets Manager says so, and a version that is no secret does not keep it alive.
#[tokio::test(start_paused = true)]
async fn a_previous_version_that_is_taken_back_lets_nobody_in() {
    let [taken_back, unfit, without_key] = [None, Some(r#"{"it":"short"}"#), Some(r#"{"other":"key"}"#)];
    for instead in [taken_back, unfit, without_key] {
        for rotations in 0..2 {
            let extension = Arc::new(Extension::of("rotating", version(0)));
            (0..rotations).for_each(|_| extension.rotate("rotating", version(0)));
            let test = app(Shown::Shared, &extension).await;
            tokio::time::sleep(seconds(61)).await;
            extension.rotate("rotating", version(1));
            extension.tells_previous("rotating", instead);
            assert!(lets_in(&test, Shown::Shared, &version(1)).await, "{instead:?}");
            for _ in 0..6 {
                tokio::time::sleep(seconds(61)).await;
                assert!(!lets_in(&test, Shown::Shared, "nobody-has-this-secret-ever").await);
            }
            let leaked = lets_in(&test, Shown::Shared, &version(0)).await;
            assert!(!leaked, "{instead:?} after {rotations} rotations");
            // A later rotation is noticed, whatever the version before it is.
            extension.rotate("rotating", version(2));
            tokio::time::sleep(seconds(61)).await;
            assert!(lets_in(&test, Shown::Shared, &version(2)).await, "{instead:?}");
        }
    }
}

/// Kubernetes replaces the files of a Secret.
#[tokio::test(start_paused = true)]
async fn a_file_is_read_again() {
    let path = |name| std::env::temp_dir().join(format!("fhir-sub-rotation-{name}-{}", std::process::id()));
    let (current, previous) = (path("current"), path("previous"));
    let write = |new: u32, old: u32| {
        std::fs::write(&current, version(new)).unwrap();
        std::fs::write(&previous, version(old)).unwrap();
    };
    write(0, 0);
    let builder = builder(&Arc::new(Extension::of("none", String::new())))
        .set("FHIR_SUBSCRIPTION_SECRET", format!("file:{}", current.display()))
        .set("FHIR_SUBSCRIPTION_SECRET_PREVIOUS", format!("file:{}", previous.display()));
    let test = TestApp::build(Behaviour::Medplum, builder.resolve().await).unwrap();
    for number in 1..4 {
        write(number, number - 1);
        assert!(lets_in(&test, Shown::Shared, &version(number)).await);
        assert!(lets_in(&test, Shown::Shared, &version(number - 1)).await);
        assert!(number < 2 || !lets_in(&test, Shown::Shared, &version(number - 2)).await);
        tokio::time::sleep(seconds(61)).await;
    }
    [current, previous].iter().for_each(|file| std::fs::remove_file(file).unwrap());
}

/// A registration after a rotation tells the server the secret of now.
#[tokio::test(start_paused = true)]
async fn a_registration_tells_the_new_secret() {
    let extension = Arc::new(Extension::of("rotating", version(0)));
    let builder = builder(&extension)
        .set("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:rotating#it")
        .set("FHIR_SUBSCRIPTION_ADMIN_SECRET", "secretsmanager:admin#it");
    extension.rotate("admin", "an-admin-secret-of-the-ward-0000".into());
    let test = TestApp::build(Behaviour::Medplum, builder.resolve().await).unwrap();
    let register = || TestRequest::register("").secret("an-admin-secret-of-the-ward-0000");
    for number in 0..3 {
        if number > 0 {
            extension.rotate("rotating", version(number));
        }
        assert_eq!(test.send(register()).await.status(), 200);
        let told = test.sandbox().all("Subscription")[0].to_string();
        assert!(told.contains(&version(number)), "{number}");
        tokio::time::sleep(seconds(10)).await;
    }
}

/// If the server has put a Subscription in `error`, a sweep writes the present secret into it, not the secret of the
/// program's start.
#[tokio::test(start_paused = true)]
async fn a_sweep_re_arms_with_the_secret_of_now() {
    let extension = Arc::new(Extension::of("rotating", version(0)));
    let store = crate::store::MemoryStore::shared(Arc::new(std::time::SystemTime::now));
    let builder = builder(&extension).set("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:rotating#it");
    let test = TestApp::build(Behaviour::Medplum, builder.store(store).resolve().await).unwrap();
    for number in 0..3 {
        if number > 0 {
            tokio::time::sleep(seconds(61)).await;
            extension.rotate("rotating", version(number));
        }
        let register = TestRequest::register("").secret(&version(number));
        assert_eq!(test.send(register).await.status(), 200);
    }
    let mut subscription = test.sandbox().all("Subscription").remove(0);
    assert!(subscription.to_string().contains(&version(2)));
    subscription["status"] = json!("error");
    test.sandbox().update(&subscription).await.unwrap();
    // As `serve` does it on its schedule, and a Lambda by its event.
    let deadline = crate::deadline::Deadline::after(seconds(20));
    let report =
        crate::sweep::sweep(test.app(), &crate::sweep::SweepOptions::default(), deadline, None).await;
    assert!(report.to_json().contains(r#""rearmed":true"#), "{}", report.to_json());
    let told = test.sandbox().all("Subscription")[0].to_string();
    assert!(told.contains(&version(2)), "the server was told an old secret");
    assert!(!told.contains(&version(0)));
}

/// Between two events a Lambda is frozen, and only the machine's clock goes on.
#[tokio::test(start_paused = true)]
async fn the_minute_of_a_frozen_process_is_over_too() {
    use std::sync::atomic::AtomicU64;
    use std::time::SystemTime;

    let extension = Arc::new(Extension::of("rotating", version(0)));
    let passed = Arc::new(AtomicU64::new(1_000));
    let clock = {
        let passed = passed.clone();
        move || SystemTime::UNIX_EPOCH + seconds(1_800_000_000 + passed.load(SeqCst))
    };
    let builder = builder(&extension).set("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:rotating#it");
    let test = TestApp::build(Behaviour::Medplum, builder.clock(clock).resolve().await).unwrap();
    assert!(!lets_in(&test, Shown::Shared, "nobody-has-this-secret-ever").await);
    extension.rotate("rotating", version(1));
    assert!(!lets_in(&test, Shown::Shared, &version(1)).await, "the minute is not over");
    passed.fetch_add(61, SeqCst);
    assert!(lets_in(&test, Shown::Shared, &version(1)).await);
    // Once the clock is put back, nobody waits for the time that it had.
    extension.rotate("rotating", version(2));
    passed.store(0, SeqCst);
    assert!(lets_in(&test, Shown::Shared, &version(2)).await);
}
