async fn patients() {}
const _: () = {
    use ::fhir_sub::__private as __fhir_sub;
    #[doc(hidden)]
    #[macro_export]
    #[allow(non_local_definitions)]
    macro_rules! __fhir_sub_two_handlers_have_the_endpoint__patients {
        () => {};
    }
    #[__fhir_sub::linkme::distributed_slice(__fhir_sub::FHIR_SUB_DECLARATIONS)]
    #[linkme(crate = __fhir_sub::linkme)]
    static __FHIR_SUB_DECLARATION: __fhir_sub::Declaration = __fhir_sub::Declaration {
        handler: "patients",
        source: __fhir_sub::source!(),
        trigger: __fhir_sub::Trigger::Criteria("Patient"),
        has_placeholders: false,
        endpoint: "patients",
        reason: "patients: Patient",
        interactions: __fhir_sub::Interactions::DEFAULT,
        content: __fhir_sub::Content::FullResource,
        trust: __fhir_sub::Trust::Notification,
        order: __fhir_sub::Order::Any,
        end: __fhir_sub::None,
        versions: __fhir_sub::FhirVersions::WITH_CRITERIA,
        parameter_types: &[],
        allowed: __fhir_sub::None,
        registration: __fhir_sub::None,
        uses: __fhir_sub::Uses::NOTHING,
        require: |_| {},
        run: |__fhir_sub_notification| __fhir_sub::run_0::<
            (),
            _,
            _,
        >(__fhir_sub_notification, patients),
    };
};
