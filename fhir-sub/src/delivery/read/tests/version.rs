use super::*;

/// A server of several FHIR versions, with resources of R4: it has Encounter 1, and had Encounter 2.
struct Several {
    asked: Mutex<Vec<(String, String)>>,
}

impl Transport for Several {
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
        _limits: Limits,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>> {
        let accept = request.headers()["accept"].to_str().unwrap().to_owned();
        let path = request.uri().path().to_owned();
        let is_there = path.starts_with("/r4/Encounter/1");
        let (status, body) = match &*accept {
            "application/fhir+json; fhirVersion=5.0" if is_there => (406, json!({})),
            _ if is_there => {
                (200, json!({ "resourceType": "Encounter", "id": "1", "meta": { "versionId": "1" } }))
            }
            _ => (410, json!({})),
        };
        self.asked.lock().unwrap().push((path, accept));
        let answer = http::Response::builder().status(status).body(body.to_string().into());
        Box::pin(async move { Ok(answer.unwrap()) })
    }
}

/// Sends a notification of `reference`, while Subscriptions are of R5.
async fn told(fhir_server: &str, reference: &str) -> (u16, Vec<(String, String)>) {
    let server = Arc::new(Several { asked: Mutex::default() });
    let versions = crate::fhir::FhirVersions::of(&[crate::fhir::FhirVersion::R5]);
    let declaration = Declaration { versions, ..topic::<Resource<Value>, Succeed>() };
    let builder = TestApp::builder(Behaviour::Hapi, leak([declaration]))
        .set("FHIR_SERVER", fhir_server)
        .set("FHIR_VERSION", "R5");
    let app = builder.transport(server.clone()).build().unwrap();
    let (headers, body) = (http::HeaderMap::new(), notification(&[reference]).to_string());
    let head = crate::request::Head { method: &Method::POST, path: "/e", query: None, headers: &headers };
    let declaration = app.registry().find("e").unwrap();
    let route =
        crate::service::Route::Endpoint { declaration, reference: None, owes: crate::service::Owed::Nothing };
    let answered = app.answer(&head, route, body.as_bytes(), app.deadline(None)).await;
    let asked = std::mem::take(&mut *server.asked.lock().unwrap());
    (answered.answer.status.as_u16(), asked)
}

#[tokio::test(start_paused = true)]
async fn what_is_of_another_version_is_read_all_the_same() {
    let (plain, versioned) = ("application/fhir+json", "application/fhir+json; fhirVersion=5.0");
    let line = |path: &str, accept: &str| (format!("/r4/{path}"), accept.to_owned());
    for path in ["Encounter/1", "Encounter/1/_history/1"] {
        let both = vec![line(path, versioned), line(path, plain)];
        assert_eq!(told("helios", path).await, (204, both));
        assert_eq!(told("generic", path).await, (204, vec![line(path, plain)]));
    }
    assert_eq!(told("helios", "Encounter/2").await, (204, vec![line("Encounter/2", versioned)]));
}
