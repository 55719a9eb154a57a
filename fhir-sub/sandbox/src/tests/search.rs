use std::time::Duration;

use super::*;

/// Checks a resource, the searches that find it, and those that do not.
async fn check(resource: Value, found: &[&str], not_found: &[&str]) {
    let sandbox = sandbox();
    let kind = resource["resourceType"].as_str().unwrap().to_owned();
    sandbox.create(&resource).await.unwrap();
    for (searches, expected) in [(found, 1), (not_found, 0)] {
        for search in searches {
            let reply = get(&sandbox, &format!("/fhir/{kind}?{search}")).await;
            assert_eq!(reply.status, 200, "{search}: {}", reply.body);
            assert_eq!(reply.body["total"], expected, "{search}");
        }
    }
}

#[tokio::test]
async fn tokens() {
    check(
        json!({
            "resourceType": "Appointment",
            "status": "arrived",
            "identifier": [{ "system": "urn:a", "value": "1" }, { "value": "2" }],
            "serviceType": [{ "coding": [{ "system": "urn:s", "code": "x,y" }] }],
            "participant": [{ "actor": { "reference": "Patient/1" }, "status": "accepted" }],
        }),
        &[
            "status=arrived",
            "status=booked,arrived",
            "status=http://hl7.org/fhir/appointmentstatus%7Carrived",
            "identifier=1",
            "identifier=urn:a%7C1",
            "identifier=urn:a%7C",
            "identifier=%7C2",
            "identifier=urn:a|1",
            "service-type=x%5C,y",
            "service-type=urn:s|x%5C,y",
            "status:not=booked",
            "appointment-type:not=x",
            "identifier:missing=false",
            "appointment-type:missing=true",
            "part-status=accepted",
            "_id=1",
            "status=arrived&identifier=1",
            "status:not=booked,fulfilled",
        ],
        &[
            "status=booked",
            "status=ARRIVED",
            "status=arr",
            "identifier=urn:b%7C1",
            "identifier=%7C1",
            "identifier=3",
            "service-type=x",
            "status:not=arrived",
            "status:not=booked,arrived",
            "identifier:missing=true",
            "_id=2",
            "status=arrived&identifier=3",
        ],
    )
    .await;
}

#[tokio::test]
async fn tokens_of_other_kinds() {
    check(
        json!({
            "resourceType": "Patient",
            "active": true,
            "meta": { "tag": [{ "system": "urn:t", "code": "test" }], "profile": ["http://p/1"] },
            "telecom": [
                { "system": "email", "value": "eve@example.org", "use": "home" },
                { "system": "phone", "value": "1" },
            ],
        }),
        &[
            "active=true",
            "_tag=urn:t|test",
            "_profile=http://p/1",
            "email=eve@example.org",
            "telecom=home|eve@example.org",
            "phone=1",
        ],
        &["active=false", "_tag=test2", "_profile=http://p", "email=1", "phone=eve@example.org"],
    )
    .await;
    let class = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" });
    check(json!({ "resourceType": "Encounter", "class": class }), &["class=AMB"], &["class=IMP"]).await;
}

#[tokio::test]
async fn strings() {
    check(
        json!({
            "resourceType": "Patient",
            "name": [{ "use": "official", "family": "Müller", "given": ["Eve", "Ann Mary"] }],
            "address": [{ "line": ["High Street 1"], "city": "Bern" }],
        }),
        &[
            "name=eve",
            "family=m%C3%BCll",
            "given=Ann%20M",
            "given=ann+mary",
            "given:exact=Eve",
            "given:contains=MARY",
            "address=high",
            "address-city=Bern",
            "name=adam,eve",
            "family=M%C3%BCller",
        ],
        &[
            "name=official",
            "family=ller",
            "given:exact=eve",
            "given:contains=x",
            "address-city=Basel",
            "family:missing=true",
        ],
    )
    .await;
}

#[tokio::test]
async fn references() {
    check(
        json!({
            "resourceType": "Appointment",
            "participant": [
                { "actor": { "reference": "http://127.0.0.1:9001/fhir/Patient/1/_history/2" } },
                { "actor": { "reference": "Practitioner/7" } },
                { "actor": { "reference": "https://other.example/Location/3" } },
                { "actor": { "display": "nobody" } },
            ],
        }),
        &[
            "actor=Patient/1",
            "actor=1",
            "patient=1",
            "patient=Patient/1",
            "practitioner=7",
            "actor=http://127.0.0.1:9001/fhir/Patient/1",
            "actor=https://other.example/Location/3",
            "location=3",
            "actor=Practitioner/8,Practitioner/7",
        ],
        &[
            "actor=Patient/2",
            "patient=7",
            "patient=Practitioner/7",
            "practitioner=1",
            "actor=Location/3",
            "actor=tient/1",
        ],
    )
    .await;
    check(
        json!({ "resourceType": "Encounter", "subject": { "reference": "Patient/1" }, "appointment": [{ "reference": "Appointment/5" }] }),
        &["subject=Patient/1", "patient=1", "appointment=Appointment/5"],
        &["subject=Patient/10", "patient=2", "appointment:missing=true"],
    )
    .await;
}

#[tokio::test]
async fn dates() {
    check(
        json!({ "resourceType": "Appointment", "start": "2026-03-10T10:30:00+02:00" }),
        &[
            "date=2026",
            "date=2026-03",
            "date=2026-03-10",
            "date=2026-03-10T08:30",
            "date=2026-03-10T08:30:00Z",
            "date=2026-03-10T10:30:00%2B02:00",
            "date=eq2026-03-10",
            "date=ge2026-03-10",
            "date=le2026-03-10",
            "date=gt2026-03-09",
            "date=lt2026-03-11",
            "date=ne2026-03-11",
            "date=sa2026-03-09",
            "date=eb2026-03-11",
            "date=ge2026-03-01&date=lt2026-04-01",
            "date=2025,2026",
            "date=gt2026-03-10T08:29:59.999Z",
        ],
        &[
            "date=2025",
            "date=2026-04",
            "date=2026-03-11",
            "date=2026-03-10T08:31",
            "date=gt2026-03-10",
            "date=lt2026-03-10",
            "date=ne2026-03-10",
            "date=sa2026-03-10",
            "date=eb2026-03-10",
            "date=ap1900",
            "date=lt2026-03-10T08:30:00Z",
        ],
    )
    .await;
    check(
        json!({ "resourceType": "Encounter", "period": { "start": "2026-03-10T08:00:00Z" } }),
        &["date=ge2026-03-10", "date=gt2030", "date=lt2026-04", "date=sa2026-03-09"],
        &["date=2026", "date=lt2026-03-10", "date=eb2030"],
    )
    .await;
    check(
        json!({ "resourceType": "Observation", "effectiveDateTime": "2026-03", "code": { "text": "x" } }),
        &["date=2026", "date=2026-03", "date=ge2026-03", "date=gt2026-03-15", "date=lt2026-03-15"],
        &["date=2026-03-15", "code=x", "date=sa2026-03-15"],
    )
    .await;
    check(
        json!({ "resourceType": "Patient", "birthDate": "2000-02-29" }),
        &["birthdate=2000-02-29"],
        &["birthdate=2000-03"],
    )
    .await;
}

#[tokio::test]
async fn subscriptions_by_url() {
    check(
        subscription(
            "off",
            "Appointment?",
            json!({ "channel": { "endpoint": "https://app.example/a?b=c" } }),
        ),
        &[
            "url=https://app.example/a?b%3Dc",
            "url=https%3A%2F%2Fapp.example%2Fa%3Fb%3Dc",
            "type=rest-hook",
            "status=off",
        ],
        &["url=https://app.example/a", "url=https://app.example"],
    )
    .await;
}

#[tokio::test]
async fn a_form_searches_too() {
    let sandbox = sandbox();
    sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.create(&appointment("arrived")).await.unwrap();
    let form = Request::post("/fhir/Appointment/_search")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from_static(b"status=arrived"))
        .unwrap();
    assert_eq!(send(&sandbox, form).await.ids(), ["2"]);
}

#[tokio::test]
async fn pages_show_what_was_found_at_first() {
    let sandbox = Sandbox::builder().page_size(2).build(Program::default());
    for _ in 0..5 {
        sandbox.create(&appointment("booked")).await.unwrap();
    }
    let next = |reply: &Reply| {
        let links = reply.body["link"].as_array().unwrap();
        let next = links.iter().find(|link| link["relation"] == "next")?;
        Some(next["url"].as_str().unwrap().to_owned())
    };
    let first = get(&sandbox, "/Appointment?status=booked").await;
    assert_eq!((first.ids(), &first.body["total"]), (vec!["1", "2"], &json!(5)));
    sandbox.delete("Appointment/3").await.unwrap();
    let second = get(&sandbox, &next(&first).unwrap()).await;
    assert_eq!(second.ids(), ["3", "4"]);
    let third = get(&sandbox, &next(&second).unwrap()).await;
    assert_eq!((third.ids(), next(&third)), (vec!["5"], None));
    assert_eq!(get(&sandbox, "/fhir?_getpages=99-2").await.status, 410);
    assert_eq!(get(&sandbox, "/Appointment?_count=3").await.ids().len(), 3);
    let counted = get(&sandbox, "/Appointment?_summary=count").await;
    assert_eq!((counted.ids().len(), &counted.body["total"]), (0, &json!(4)));
}

#[tokio::test(start_paused = true)]
async fn sorted_by_time() {
    let sandbox = sandbox();
    for status in ["booked", "arrived", "booked"] {
        sandbox.create(&appointment(status)).await.unwrap();
        tokio::time::advance(Duration::from_millis(5)).await;
    }
    sandbox.update(&with_id(appointment("fulfilled"), "1")).await.unwrap();
    assert_eq!(get(&sandbox, "/Appointment?_sort=_lastUpdated").await.ids(), ["2", "3", "1"]);
    assert_eq!(
        get(&sandbox, "/Appointment?_sort=-_lastUpdated&_count=2&_total=none").await.ids(),
        ["1", "3"]
    );
}
