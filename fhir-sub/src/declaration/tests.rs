use super::{Topic, Trigger};

#[test]
fn the_watched_type_is_known_where_there_is_one() {
    for (criteria, expected) in [
        ("Appointment?status=arrived", Some("Appointment")),
        ("Patient", Some("Patient")),
        ("Patient?", Some("Patient")),
        ("[*]", None),
        ("[Patient]", Some("Patient")),
        ("[Patient,Encounter]", None),
    ] {
        assert_eq!(Trigger::Criteria(criteria).resource_type(), expected, "{criteria}");
    }
}

#[test]
fn what_fires_is_searched_for() {
    for (criteria, expected) in [
        ("Appointment?status=arrived&date=ge2030", Some("Appointment?status=arrived&date=ge2030")),
        ("Patient", Some("Patient?")),
        ("[Patient]", Some("Patient?")),
        ("[*]", None),
        ("[Patient,Encounter]", None),
    ] {
        assert_eq!(Trigger::Criteria(criteria).search(&[]).as_deref(), expected, "{criteria}");
    }
    let topic = |filters| {
        Trigger::Topic(Topic { url: "urn:oid:1", filters, heartbeat: None, timeout: None, max_count: None })
    };
    let two = &["Encounter?patient=Patient/1", "Observation?code=1", "Encounter?class=IMP"];
    for (filters, said, expected) in [
        (&[] as &[_], &[] as &[_], None),
        (&[], &["Encounter"], Some("Encounter?")),
        (&[], &["Encounter", "Patient", "Encounter"], None),
        (&two[..1], &[], Some("Encounter?patient=Patient/1")),
        (two, &[], None),
        (two, &["Encounter", "Encounter"], Some("Encounter?patient=Patient/1&class=IMP")),
        (two, &["Patient"], Some("Patient?")),
        (&["patient=Patient/1"], &[], None),
        (&["patient=Patient/1"], &["Encounter"], Some("Encounter?patient=Patient/1")),
        (&["Encounter.patient=Patient/1", "class=IMP"], &[], Some("Encounter?patient=Patient/1&class=IMP")),
    ] {
        assert_eq!(topic(filters).search(said).as_deref(), expected, "{filters:?} {said:?}");
    }
}
