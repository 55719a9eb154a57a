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

/// Each event copies the whole future to the heap. glibc copies up to 4,096 bytes in vector registers, and more than that
/// with `rep movsb`, which `tests/speed/instructions` counts as an instruction a byte.
#[tokio::test]
async fn the_future_of_an_invocation_is_small() {
    let size = size_of_val(&*call(false));
    assert!(size <= 4_096, "{size} bytes: box the futures of what is rare, where they are awaited");
}
