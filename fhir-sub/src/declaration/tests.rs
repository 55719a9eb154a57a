use super::Trigger;

#[test]
fn the_watched_type_is_known_where_there_is_one() {
    for (criteria, expected) in [
        ("Appointment?status=arrived", Some("Appointment")),
        ("Patient", Some("Patient")),
        ("Patient?", Some("Patient")),
        ("[*]", None),
        ("[Patient,Encounter]", None),
    ] {
        assert_eq!(Trigger::Criteria(criteria).resource_type(), expected, "{criteria}");
    }
}
