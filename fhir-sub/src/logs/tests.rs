use super::*;

#[test]
fn a_mistake_does_not_silence_the_log() {
    for (text, is_mistaken) in [
        (None, false),
        (Some(""), false),
        (Some(" "), false),
        (Some("info"), false),
        (Some("INFO,my_crate=debug"), false),
        (Some("debgu"), true),
        (Some("info,my_crate"), true),
        (Some("info,my_crate=debgu"), true),
    ] {
        let (targets, mistake) = wanted(text);
        assert_eq!(mistake.is_some(), is_mistaken, "{text:?}");
        assert!(targets.would_enable("fhir_sub::service", &Level::INFO), "{text:?}");
    }
    assert!(!wanted(Some("warn")).0.would_enable("fhir_sub::service", &Level::INFO));
}

/// Crates that carry requests log what a request contains.
#[test]
fn a_crate_whose_name_only_begins_as_a_carriers_is_logged() {
    for target in
        ["hyper", "hyper::proto", "hyper_util::client", "aws_config::profile", "tower_http", "h2::codec"]
    {
        assert!(is_carrier(target), "{target}");
    }
    for target in ["hypertension_alerts", "hyperglycaemia::handler", "awsome", "towers", "fhir_sub"] {
        assert!(!is_carrier(target), "{target}");
    }
}
