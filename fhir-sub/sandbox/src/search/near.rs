//! Positions on the globe.

use serde_json::Value;

/// A position, and the greatest distance of a Location from it ([FHIR R4
/// §8.7](https://hl7.org/fhir/R4/location.html#positional)).
#[derive(Debug)]
pub(crate) struct Position {
    latitude: f64,
    longitude: f64,
    metres: f64,
}

/// The default distance in kilometres, which the specification leaves to the server.
const NEAR: f64 = 50.0;

impl Position {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split('|').collect();
        let number = |index: usize| parts.get(index).and_then(|part| part.parse::<f64>().ok());
        let distance = match parts.get(2) {
            None | Some(&"") => NEAR,
            Some(_) => number(2)?,
        };
        let unit = match parts.get(3).copied().unwrap_or("km") {
            "km" | "" => 1_000.0,
            "m" => 1.0,
            "[mi_us]" | "[mi_i]" | "mi" => 1_609.344,
            "[ft_i]" | "ft" => 0.3048,
            _ => return None,
        };
        Some(Self { latitude: number(0)?, longitude: number(1)?, metres: distance * unit })
    }

    pub(crate) fn is_near(&self, position: &Value) -> bool {
        let degrees = |member: &str| position[member].as_f64();
        let (Some(latitude), Some(longitude)) = (degrees("latitude"), degrees("longitude")) else {
            return false;
        };
        self.metres_to(latitude, longitude) <= self.metres
    }

    /// Along a great circle.
    fn metres_to(&self, latitude: f64, longitude: f64) -> f64 {
        const RADIUS: f64 = 6_371_008.8;
        let (from, to) = (self.latitude.to_radians(), latitude.to_radians());
        let across = ((to - from) / 2.0).sin().powi(2)
            + from.cos() * to.cos() * ((longitude - self.longitude).to_radians() / 2.0).sin().powi(2);
        2.0 * RADIUS * across.sqrt().min(1.0).asin()
    }
}
