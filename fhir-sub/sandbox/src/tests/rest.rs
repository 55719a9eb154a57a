use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_created_resource_has_id_version_and_time() {
    let sandbox = sandbox();
    let reply =
        post(&sandbox, "/fhir/Patient", json!({ "resourceType": "Patient", "id": "mine", "active": true }))
            .await;
    assert_eq!(reply.status, 201);
    assert_eq!(reply.header("location"), "http://127.0.0.1:9001/fhir/Patient/1/_history/1");
    assert_eq!(reply.header("etag"), "W/\"1\"");
    assert_eq!(reply.header("content-type"), "application/fhir+json; charset=UTF-8");
    assert!(reply.header("last-modified").ends_with(" GMT"));
    assert_eq!(reply.body["id"], "1");
    assert_eq!(reply.body["meta"]["versionId"], "1");
    assert!(reply.body["meta"]["lastUpdated"].as_str().unwrap().ends_with('Z'));
    assert_eq!(get(&sandbox, "/fhir/Patient/1").await.body, reply.body);
}

#[tokio::test]
async fn the_base_path_may_be_there_or_not() {
    let sandbox = Sandbox::builder().base_url("https://fhir.example/r4/").build(Program::default());
    sandbox.create(&appointment("booked")).await.unwrap();
    for url in
        ["/Appointment/1", "/r4/Appointment/1", "https://fhir.example/r4/Appointment/1", "/Appointment/1/"]
    {
        assert_eq!(get(&sandbox, url).await.status, 200, "{url}");
    }
}

#[tokio::test]
async fn an_update_makes_a_version_and_the_same_content_none() {
    let sandbox = sandbox();
    post(&sandbox, "/Appointment", appointment("booked")).await;
    let arrived = put(&sandbox, "/Appointment/1", with_id(appointment("arrived"), "1")).await;
    assert_eq!((arrived.status, arrived.header("etag")), (200, "W/\"2\""));
    let again = put(&sandbox, "/Appointment/1", arrived.body.clone()).await;
    assert_eq!((again.status, again.header("etag")), (200, "W/\"2\""));
    assert_eq!(get(&sandbox, "/Appointment/1/_history/1").await.body["status"], "booked");
    assert_eq!(get(&sandbox, "/Appointment/1/_history/3").await.status, 404);
    let history = get(&sandbox, "/Appointment/1/_history").await.body;
    assert_eq!(history["total"], 2);
    assert_eq!(history["entry"][0]["request"]["method"], "PUT");
    assert_eq!(history["entry"][1]["request"]["method"], "POST");
}

#[tokio::test]
async fn an_update_creates_what_is_not_there() {
    let sandbox = sandbox();
    let reply = put(&sandbox, "/Patient/a-1", json!({ "resourceType": "Patient", "id": "a-1" })).await;
    assert_eq!((reply.status, reply.header("etag")), (201, "W/\"1\""));
    let reply = put(&sandbox, "/Patient/a-1", json!({ "resourceType": "Patient", "id": "b" })).await;
    assert_eq!((reply.status, reply.problem()), (400, "the id of the resource is not the id of the URL"));
    assert_eq!(
        put(&sandbox, "/Patient/a_1", json!({ "resourceType": "Patient", "id": "a_1" })).await.status,
        400
    );
}

#[tokio::test]
async fn if_match_guards_a_version() {
    let sandbox = sandbox();
    sandbox.create(&appointment("booked")).await.unwrap();
    let arrived = with_id(appointment("arrived"), "1");
    let with = |header: &'static str, body: &Value| {
        let (sandbox, body) = (sandbox.clone(), body.clone());
        async move { call(&sandbox, Method::PUT, "/Appointment/1", &[header], body).await.status }
    };
    assert_eq!(with("if-match: W/\"2\"", &arrived).await, 412);
    assert_eq!(with("if-match: W/\"1\"", &arrived).await, 200);
    assert_eq!(with("if-match: W/\"1\"", &arrived).await, 412);
    assert_eq!(
        call(&sandbox, Method::DELETE, "/Appointment/1", &["if-match: W/\"1\""], Value::Null).await.status,
        412
    );
    assert_eq!(
        call(&sandbox, Method::PUT, "/Appointment/9", &["if-match: W/\"1\""], with_id(appointment("x"), "9"))
            .await
            .status,
        412
    );
}

#[tokio::test]
async fn a_deleted_resource_is_gone_until_it_is_put_again() {
    let sandbox = sandbox();
    sandbox.create(&appointment("booked")).await.unwrap();
    for _ in 0..2 {
        assert_eq!(call(&sandbox, Method::DELETE, "/Appointment/1", &[], Value::Null).await.status, 204);
    }
    let gone = get(&sandbox, "/Appointment/1").await;
    assert_eq!((gone.status, gone.problem()), (410, "Appointment/1 was deleted"));
    assert_eq!(get(&sandbox, "/Appointment/1/_history/2").await.status, 410);
    assert_eq!(get(&sandbox, "/Appointment").await.ids(), [""; 0]);
    let back = put(&sandbox, "/Appointment/1", with_id(appointment("booked"), "1")).await;
    assert_eq!((back.status, back.header("etag")), (201, "W/\"3\""));
}

#[tokio::test]
async fn conditional_writes_look_first() {
    let sandbox = sandbox();
    let patient = |family: &str| json!({ "resourceType": "Patient", "identifier": [{ "system": "urn:s", "value": "1" }], "name": [{ "family": family }] });
    let condition = ["if-none-exist: identifier=urn:s|1"];
    let first = call(&sandbox, Method::POST, "/Patient", &condition, patient("A")).await;
    let second = call(&sandbox, Method::POST, "/Patient", &condition, patient("B")).await;
    assert_eq!((first.status, second.status), (201, 200));
    assert_eq!(second.body, first.body);
    let updated = put(&sandbox, "/Patient?identifier=urn:s%7C1", patient("C")).await;
    assert_eq!((updated.status, updated.body["id"].as_str()), (200, Some("1")));
    assert_eq!(put(&sandbox, "/Patient?identifier=urn:s%7C2", patient("D")).await.status, 201);
    let many = call(&sandbox, Method::POST, "/Patient", &condition, patient("E")).await;
    assert_eq!((many.status, many.problem()), (412, "more than one resource matches the condition"));
    assert_eq!(call(&sandbox, Method::DELETE, "/Patient?family=C", &[], Value::Null).await.status, 204);
    assert_eq!(sandbox.all("Patient").len(), 1);
    assert_eq!(put(&sandbox, "/Patient", patient("F")).await.status, 400);
}

#[tokio::test]
async fn mistakes_are_operation_outcomes() {
    let sandbox = sandbox();
    let broken = Request::post("/Patient").body(Bytes::from_static(b"{\"secret\": ")).unwrap();
    let broken = send(&sandbox, broken).await;
    assert_eq!((broken.status, broken.problem()), (400, "the body is not JSON (line 1, column 11)"));
    assert_eq!(post(&sandbox, "/Patient", appointment("booked")).await.status, 422);
    assert_eq!(post(&sandbox, "/Patient", json!([])).await.status, 422);
    assert_eq!(get(&sandbox, "/Patient/1").await.problem(), "there is no Patient/1");
    assert_eq!(get(&sandbox, "/Pateint/1").await.status, 404);
    assert_eq!(
        get(&sandbox, "/Patient/1/$everything").await.problem(),
        "the sandbox has no operation `$everything`"
    );
    assert_eq!(call(&sandbox, Method::OPTIONS, "/Patient", &[], Value::Null).await.status, 405);
    let xml =
        call(&sandbox, Method::POST, "/Patient", &["content-type: application/fhir+xml"], json!({})).await;
    assert_eq!(xml.status, 415);
    let form =
        call(&sandbox, Method::POST, "/Patient/_search", &["content-type: application/json"], json!({}))
            .await;
    assert_eq!(form.status, 415);
}

#[tokio::test]
async fn a_client_may_want_no_body() {
    let reply =
        call(&sandbox(), Method::POST, "/Appointment", &["prefer: return=minimal"], appointment("booked"))
            .await;
    assert_eq!((reply.status, reply.response.body().len()), (201, 0));
    assert_eq!(reply.header("location"), "http://127.0.0.1:9001/fhir/Appointment/1/_history/1");
}

#[tokio::test]
async fn the_capability_statement_says_what_it_is() {
    let statement = get(&sandbox(), "/fhir/metadata").await.body;
    assert_eq!(statement["software"]["name"], "fhir-sub sandbox");
    assert_eq!(statement["fhirVersion"], "4.0.1");
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    assert_eq!(resources.len(), 147);
    let subscription = resources.iter().find(|resource| resource["type"] == "Subscription").unwrap();
    let parameters = subscription["searchParam"].as_array().unwrap();
    assert!(parameters.contains(&json!({ "name": "url", "type": "uri" })));
}

#[tokio::test(start_paused = true)]
async fn time_is_tokios() {
    let sandbox = sandbox();
    sandbox.create(&appointment("booked")).await.unwrap();
    let between = sandbox.get("Appointment/1").unwrap()["meta"]["lastUpdated"].as_str().unwrap().to_owned();
    tokio::time::advance(Duration::from_secs(3600)).await;
    sandbox.create(&appointment("booked")).await.unwrap();
    assert_eq!(get(&sandbox, &format!("/Appointment?_lastUpdated=gt{between}")).await.ids(), ["2"]);
    assert_eq!(get(&sandbox, &format!("/Appointment?_lastUpdated={between}")).await.ids(), ["1"]);
}

#[tokio::test]
async fn the_tests_own_hand_sees_everything() {
    let sandbox = sandbox();
    let created = sandbox.create(&appointment("booked")).await.unwrap();
    assert_eq!(sandbox.get("Appointment/1"), Some(created));
    sandbox.update(&with_id(appointment("arrived"), "1")).await.unwrap();
    assert_eq!(sandbox.all("Appointment")[0]["status"], "arrived");
    sandbox.delete("Appointment/1").await.unwrap();
    assert_eq!(sandbox.get("Appointment/1"), None);
    assert_eq!(sandbox.create(&json!({})).await.unwrap_err().text(), "the resource has no `resourceType`");
    assert_eq!(sandbox.update(&appointment("booked")).await.unwrap_err().status(), 422);
    assert!(sandbox.requests().is_empty());
}
