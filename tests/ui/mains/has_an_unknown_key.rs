use fhir_sub::prelude::*;

fhir_lambda_main!(handlers = [billing]);
