//! Numbers: a value matches the numbers that round to it at its precision.

use serde_json::Value;

use fhir_sub_search::search::Prefix;

/// A number with a prefix ([FHIR R4 §3.1.1.4.6](https://hl7.org/fhir/R4/search.html#number)).
#[derive(Clone, Copy, Debug)]
pub(crate) struct NumberOperand {
    prefix: Prefix,
    number: f64,
    /// Half of the last digit's place: `5.40` means 5.395 to 5.405.
    tolerance: f64,
}

/// The numbers of a value: one, or those in a Range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl NumberOperand {
    pub(crate) fn parse(prefix: Option<Prefix>, text: &str) -> Option<Self> {
        let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let place = exponent.parse::<i32>().ok()? - i32::try_from(decimals).ok()?;
        Some(Self { prefix: prefix.unwrap_or(Prefix::Eq), number, tolerance: 0.5 * 10_f64.powi(place) })
    }

    pub(crate) fn matches(&self, value: &Value) -> bool {
        value.as_f64().is_some_and(|number| self.holds(Span { low: number, high: number }))
    }

    pub(crate) fn holds(&self, value: Span) -> bool {
        let Self { number, tolerance, .. } = *self;
        let equals = number - tolerance <= value.low && value.high < number + tolerance;
        match self.prefix {
            Prefix::Eq => equals,
            Prefix::Ne => !equals,
            Prefix::Gt => value.high > number,
            Prefix::Lt => value.low < number,
            Prefix::Ge => value.high >= number || equals,
            Prefix::Le => value.low <= number || equals,
            Prefix::Sa => value.low > number,
            Prefix::Eb => value.high < number,
            Prefix::Ap => {
                let about = (number.abs() / 10.0).max(tolerance);
                value.low <= number + about && value.high >= number - about
            }
        }
    }
}
