use super::*;
use crate::fixtures::{Succeed, declaration, leak};
use crate::sandbox::Behaviour;
use crate::testing::TestApp;

async fn unsent(is_one_of_several: bool) -> Result<(), Error> {
    let patients = leak([declaration::<crate::Event, Succeed>("Patient?", "e")]);
    let test = TestApp::build(Behaviour::Hapi, TestApp::builder(Behaviour::Hapi, patients)).unwrap();
    let answers =
        service_fn(|_: LambdaInvocation| async { Err::<(), Error>("the connection is gone".into()) });
    let mut invocations =
        Invocations { program: Arc::new(test.app().clone().into()), answers, is_one_of_several };
    let (parts, ()) = http::Response::new(()).into_parts();
    let context = lambda_http::Context::default();
    invocations.call(LambdaInvocation { parts, body: "{}".into(), context }).await
}

#[tokio::test]
async fn what_cannot_be_sent_ends_the_process_unless_others_go_on_in_it() {
    assert!(unsent(false).await.is_err());
    assert!(unsent(true).await.is_ok());
}
