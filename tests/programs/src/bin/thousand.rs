//! A program with a thousand subscriptions, to measure their registration.

use fhir_sub::prelude::*;

include!(concat!(env!("OUT_DIR"), "/thousand.rs"));

fhir_lambda_main!();
