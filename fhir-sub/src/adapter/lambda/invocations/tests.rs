use super::*;
use crate::fixtures::{Succeed, declaration, leak};
use crate::sandbox::Behaviour;
use crate::testing::TestApp;

async fn unsent(is_one_of_several: bool) -> Result<(), Error> {
    call(is_one_of_several).await
}

fn call(is_one_of_several: bool) -> BoxFuture<'static, Result<(), Error>> {
    let patients = leak([declaration::<crate::Event, Succeed>("Patient?", "e")]);
    let test = TestApp::build(Behaviour::Hapi, TestApp::builder(Behaviour::Hapi, patients)).unwrap();
    let answers =
        service_fn(|_: LambdaInvocation| async { Err::<(), Error>("the connection is gone".into()) });
    let mut invocations =
        Invocations { program: Arc::new(test.app().clone().into()), answers, is_one_of_several };
    let (parts, ()) = http::Response::new(()).into_parts();
    let context = lambda_http::Context::default();
    invocations.call(LambdaInvocation { parts, body: "{}".into(), context })
}

#[tokio::test]
async fn what_cannot_be_sent_ends_the_process_unless_others_go_on_in_it() {
    assert!(unsent(false).await.is_err());
    assert!(unsent(true).await.is_ok());
}

/// The first event may be of any kind.
#[tokio::test]
async fn an_instance_counts_one_cold_start_after_its_first_answer() {
    use std::sync::Mutex;

    use crate::fixtures::captured::capture;
    use crate::settings::Variables;

    for (metrics, counted) in [("emf", 1), ("off", 0)] {
        let patients = leak([declaration::<crate::Event, Succeed>("Patient?", "e")]);
        let builder = TestApp::builder_of(Variables::of_lambda(), Behaviour::Hapi, patients);
        let builder = builder.set("FHIR_SUBSCRIPTION_METRICS", metrics);
        let test = TestApp::build(Behaviour::Hapi, builder).unwrap();
        let (lines, _guard) = capture();
        let cold_starts = move || lines.read().iter().filter(|line| line["ColdStart"] == 1).count();
        let at_answers = Arc::new(Mutex::new(Vec::new()));
        let answers = {
            let (cold_starts, at_answers) = (cold_starts.clone(), at_answers.clone());
            service_fn(move |_: LambdaInvocation| {
                at_answers.lock().unwrap().push(cold_starts());
                async { Ok::<(), Error>(()) }
            })
        };
        let program = Arc::new(test.app().clone().into());
        let mut invocations = Invocations { program, answers, is_one_of_several: false };
        for body in ["{}", PANICS, "{}"] {
            let (parts, ()) = http::Response::new(()).into_parts();
            let context = lambda_http::Context::default();
            invocations.call(LambdaInvocation { parts, body: body.into(), context }).await.unwrap();
        }
        assert_eq!(*at_answers.lock().unwrap(), [0, counted, counted], "{metrics}");
        assert_eq!(cold_starts(), counted, "{metrics}");
    }
}

/// The answer is out before the spans are sent: the FHIR server does not wait for them.
#[tokio::test]
async fn spans_are_sent_after_the_answer_and_before_the_next_event() {
    use std::sync::Mutex;

    for (body, is_sent) in [("{}", true), ("{}", false), (PANICS, true)] {
        let order = Arc::new(Mutex::new(Vec::new()));
        let (answered, flushed) = (order.clone(), order.clone());
        let patients = leak([declaration::<crate::Event, Panic>("Patient?", "e")]);
        let builder = TestApp::builder(Behaviour::Hapi, patients);
        let builder = builder.flush(move || {
            flushed.lock().unwrap().push("flushed");
            panic!("canary");
        });
        let test = TestApp::build(Behaviour::Hapi, builder).unwrap();
        let answers = service_fn(move |_: LambdaInvocation| {
            answered.lock().unwrap().push("answered");
            async move { if is_sent { Ok(()) } else { Err::<(), Error>("the connection is gone".into()) } }
        });
        let mut invocations =
            Invocations { program: Arc::new(test.app().clone().into()), answers, is_one_of_several: false };
        let (parts, ()) = http::Response::new(()).into_parts();
        let context = lambda_http::Context::default();
        let invocation = LambdaInvocation { parts, body: body.into(), context };
        assert_eq!(invocations.call(invocation).await.is_ok(), is_sent);
        assert_eq!(*order.lock().unwrap(), ["answered", "flushed"], "{body} {is_sent}");
    }
}

const PANICS: &str = r#"{"version":"2.0","rawPath":"/e","rawQueryString":"",
    "headers":{"content-type":"application/fhir+json","x-subscription-auth":"the-secret-of-a-test-and-no-other"},
    "requestContext":{"http":{"method":"POST","path":"/e"}},"body":"{\"resourceType\":\"Patient\",\"id\":\"1\"}"}"#;

struct Panic;

impl<A: Send> crate::fixtures::Handler<A> for Panic {
    async fn handle(_argument: A) -> crate::outcome::Outcome {
        panic!("canary")
    }
}

/// Each event copies the whole future to the heap. glibc copies up to 4,096 bytes in vector registers, and
/// larger blocks with `rep movsb`, which `tests/speed/instructions` counts as one instruction for each byte.
#[tokio::test]
async fn the_future_of_an_invocation_is_small() {
    let size = size_of_val(&*call(false));
    assert!(size <= 4_096, "{size} bytes: box the futures of what is rare, where they are awaited");
}

/// AWS may throttle for a moment: the next process may be able to read what this one could not.
#[tokio::test(start_paused = true)]
async fn a_program_that_cannot_be_built_ends_its_process() {
    use std::sync::atomic::{AtomicBool, Ordering};

    use crate::settings::{Failure, Places, Version};

    struct Throttled(AtomicBool);

    impl Places for Throttled {
        fn parameter<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<String, Failure>> {
            let was_asked = self.0.swap(true, Ordering::SeqCst);
            let failure = if was_asked { Failure::Other("AWS throttles".into()) } else { Failure::NotReady };
            Box::pin(async move { Err(failure) })
        }

        fn secret<'a>(&'a self, _id: &'a str, _version: Version) -> BoxFuture<'a, Result<String, Failure>> {
            Box::pin(async { Err(Failure::NoSuchVersion) })
        }
    }

    let patients = leak([declaration::<crate::Event, Succeed>("Patient?", "e")]);
    let builder = TestApp::builder(Behaviour::Hapi, patients).set("FHIR_BASE_URL", "ssm:/url");
    let program = Program::start(builder.places(Arc::new(Throttled(AtomicBool::new(false))))).await.unwrap();
    let answered = Arc::new(AtomicBool::new(false));
    let answers = {
        let answered = Arc::clone(&answered);
        service_fn(move |_: LambdaInvocation| {
            answered.store(true, Ordering::SeqCst);
            async { Ok::<(), Error>(()) }
        })
    };
    let mut invocations = Invocations { program: Arc::new(program), answers, is_one_of_several: false };
    let (parts, ()) = http::Response::new(()).into_parts();
    let context = lambda_http::Context::default();
    let ended = invocations.call(LambdaInvocation { parts, body: "{}".into(), context }).await;
    assert!(ended.is_err() && answered.load(Ordering::SeqCst));
}
