async fn admissions(encounter: Resource<Encounter>) {}
const _: () = {
    use ::fhir_sub::__private as __fhir_sub;
    use __fhir_sub::Silent as _;
    #[doc(hidden)]
    #[macro_export]
    #[allow(non_local_definitions)]
    macro_rules! __fhir_sub_two_handlers_have_the_endpoint__admissions {
        () => {};
    }
    const _: () = __fhir_sub::must_be_read_from_filtered(
        __fhir_sub::Argument::<Resource<Encounter>>::TYPE,
        "Encounter",
    );
    #[__fhir_sub::linkme::distributed_slice(__fhir_sub::FHIR_SUB_DECLARATIONS)]
    #[linkme(crate = __fhir_sub::linkme)]
    static __FHIR_SUB_DECLARATION: __fhir_sub::Declaration = __fhir_sub::Declaration {
        handler: "admissions",
        source: __fhir_sub::source!(),
        trigger: __fhir_sub::Trigger::Topic(__fhir_sub::Topic {
            url: "https://example.org/topics/admission|1",
            filters: &["Encounter?patient=Patient/1", "Encounter?class=IMP"],
            heartbeat: __fhir_sub::Some(60u32),
            timeout: __fhir_sub::Some(30u32),
            max_count: __fhir_sub::Some(10u32),
        }),
        has_placeholders: false,
        endpoint: "admissions",
        reason: "admissions: https://example.org/topics/admission|1",
        interactions: __fhir_sub::Interactions::DEFAULT,
        content: __fhir_sub::Content::IdOnly,
        trust: __fhir_sub::Trust::Reference,
        order: __fhir_sub::Order::Latest,
        end: __fhir_sub::None,
        versions: __fhir_sub::FhirVersions::of(&[__fhir_sub::FhirVersion::R5]),
        parameter_types: &[
            __fhir_sub::ParameterType::Reference,
            __fhir_sub::ParameterType::Token,
        ],
        allowed: __fhir_sub::None,
        registration: __fhir_sub::None,
        uses: __fhir_sub::Uses::NOTHING
            .and(__fhir_sub::Argument::<Resource<Encounter>>::USES),
        require: |__fhir_sub_requirements| {
            __fhir_sub::require::<Resource<Encounter>>(__fhir_sub_requirements);
            __fhir_sub::read_from(
                __fhir_sub_requirements,
                __fhir_sub::Argument::<Resource<Encounter>>::TYPE,
            );
        },
        run: |__fhir_sub_notification| __fhir_sub::run_1::<
            Resource<Encounter>,
            (),
            _,
            _,
        >(__fhir_sub_notification, admissions),
    };
};
