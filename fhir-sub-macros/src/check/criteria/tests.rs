use proc_macro2::Span;
use syn::LitStr;

use super::watched;
use crate::subscription::Watched;

#[test]
fn the_watched_type_is_known_where_there_is_one() {
    for (criteria, expected) in [
        ("Appointment?status=arrived", Some("Appointment")),
        ("Patient", Some("Patient")),
        ("Patient?", Some("Patient")),
        ("[Patient]", Some("Patient")),
        ("[*]", None),
        ("[Patient,Encounter]", None),
        ("[Patient, Encounter]?_id=a,b", None),
        ("Patient?_id=a,b", Some("Patient")),
    ] {
        let one = match watched(&LitStr::new(criteria, Span::call_site())) {
            Watched::One(one) => Some(one),
            Watched::Several | Watched::Unknown => None,
        };
        assert_eq!(one.as_deref(), expected, "{criteria}");
    }
}
