async fn changes(encounter: Option<Resource<Encounter>>, event: Event) {}
const _: () = {
    use ::fhir_sub::__private as __fhir_sub;
    use __fhir_sub::Silent as _;
    #[doc(hidden)]
    #[macro_export]
    #[allow(non_local_definitions)]
    macro_rules! __fhir_sub_two_handlers_have_the_endpoint__changes {
        () => {};
    }
    const _: () = {
        __fhir_sub::must_be_made_from_a_deletion(
            __fhir_sub::Argument::<Event>::RESOURCE,
        );
    };
    const _: () = __fhir_sub::must_be_made_from_a_deletion(
        __fhir_sub::Argument::<Option<Resource<Encounter>>>::RESOURCE,
    );
    #[__fhir_sub::linkme::distributed_slice(__fhir_sub::FHIR_SUB_DECLARATIONS)]
    #[linkme(crate = __fhir_sub::linkme)]
    static __FHIR_SUB_DECLARATION: __fhir_sub::Declaration = __fhir_sub::Declaration {
        handler: "changes",
        source: __fhir_sub::source!(),
        trigger: __fhir_sub::Trigger::Topic(__fhir_sub::Topic {
            url: "urn:oid:1.2",
            filters: &[],
            heartbeat: __fhir_sub::None,
            timeout: __fhir_sub::None,
            max_count: __fhir_sub::None,
        }),
        has_placeholders: false,
        endpoint: "changes",
        reason: "changes: urn:oid:1.2",
        interactions: __fhir_sub::Interactions {
            create: true,
            update: false,
            delete: true,
        },
        content: __fhir_sub::Content::Empty,
        trust: __fhir_sub::Trust::Notification,
        order: __fhir_sub::Order::Any,
        end: __fhir_sub::None,
        versions: __fhir_sub::FhirVersions::of(
            &[
                __fhir_sub::FhirVersion::R4,
                __fhir_sub::FhirVersion::R4B,
                __fhir_sub::FhirVersion::R5,
            ],
        ),
        parameter_types: &[],
        allowed: __fhir_sub::None,
        registration: __fhir_sub::None,
        uses: __fhir_sub::Uses::NOTHING
            .and(__fhir_sub::Argument::<Option<Resource<Encounter>>>::USES)
            .and(__fhir_sub::Argument::<Event>::USES),
        require: |__fhir_sub_requirements| {
            __fhir_sub::require::<Option<Resource<Encounter>>>(__fhir_sub_requirements);
            __fhir_sub::require::<Event>(__fhir_sub_requirements);
            __fhir_sub::read_from(
                __fhir_sub_requirements,
                __fhir_sub::Argument::<Option<Resource<Encounter>>>::TYPE,
            );
            __fhir_sub::read_from(
                __fhir_sub_requirements,
                __fhir_sub::Argument::<Event>::TYPE,
            );
        },
        run: |__fhir_sub_notification| __fhir_sub::run_2::<
            Option<Resource<Encounter>>,
            Event,
            (),
            _,
            _,
        >(__fhir_sub_notification, changes),
    };
};
