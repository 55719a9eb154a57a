use super::Key;

#[test]
fn the_usage_of_a_number_names_its_bounds() {
    for key in [Key::Heartbeat, Key::Timeout, Key::MaxCount] {
        let (bounds, usage) = (key.bounds(), key.usage());
        let expected = format!("from {} to {}", bounds.start(), bounds.end());
        assert!(usage.contains(&expected), "{usage} does not say {expected}");
    }
}
