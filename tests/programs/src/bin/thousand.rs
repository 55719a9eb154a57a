//! A program with a thousand subscriptions, to see what registering them takes.

use fhir_sub::prelude::*;

include!(concat!(env!("OUT_DIR"), "/thousand.rs"));

fhir_lambda_main!();
