#[deprecated]
#[cfg(feature = "billing")]
#[cfg_attr(test, allow(unused), cfg(unix))]
pub(crate) async fn r#async(_: Option<Resource<Encounter>>) -> impl IntoOutcome {}
#[cfg(feature = "billing")]
#[cfg_attr(test, cfg(unix))]
#[allow(deprecated)]
const _: () = {
    use crate::framework::fhir::__private as __fhir_sub;
    use __fhir_sub::Silent as _;
    #[doc(hidden)]
    #[macro_export]
    #[allow(non_local_definitions)]
    macro_rules! __fhir_sub_two_handlers_have_the_endpoint__finished_underscore_encounters_dot_v2_tilde_ {
        () => {};
    }
    const _: () = __fhir_sub::must_be_read_from(
        __fhir_sub::Argument::<Option<Resource<Encounter>>>::TYPE,
        "Encounter",
    );
    const _: () = __fhir_sub::must_be_made_from_a_deletion(
        __fhir_sub::Argument::<Option<Resource<Encounter>>>::RESOURCE,
    );
    #[__fhir_sub::linkme::distributed_slice(__fhir_sub::FHIR_SUB_DECLARATIONS)]
    #[linkme(crate = __fhir_sub::linkme)]
    static __FHIR_SUB_DECLARATION: __fhir_sub::Declaration = __fhir_sub::Declaration {
        handler: "async",
        source: __fhir_sub::source!(),
        trigger: __fhir_sub::Trigger::Criteria("Encounter?status=finished"),
        has_placeholders: false,
        endpoint: "finished_encounters.v2~",
        reason: "Bill what was done",
        interactions: __fhir_sub::Interactions {
            create: true,
            update: false,
            delete: true,
        },
        content: __fhir_sub::Content::Empty,
        trust: __fhir_sub::Trust::Notification,
        order: __fhir_sub::Order::Any,
        end: __fhir_sub::Some("2030-12-31T23:59:59Z"),
        versions: __fhir_sub::FhirVersions::of(&[__fhir_sub::FhirVersion::R4B]),
        parameter_types: &[__fhir_sub::ParameterType::Token],
        allowed: __fhir_sub::None,
        registration: __fhir_sub::Some({
            let __fhir_sub_registration: fn(&mut __fhir_sub::Subscription) = crate::with_contact;
            __fhir_sub_registration
        }),
        uses: __fhir_sub::Uses::NOTHING
            .and(__fhir_sub::Argument::<Option<Resource<Encounter>>>::USES),
        require: |__fhir_sub_requirements| {
            __fhir_sub::require::<Option<Resource<Encounter>>>(__fhir_sub_requirements);
            __fhir_sub::read_from(
                __fhir_sub_requirements,
                __fhir_sub::Argument::<Option<Resource<Encounter>>>::TYPE,
            );
        },
        run: |__fhir_sub_notification| __fhir_sub::run_1::<
            Option<Resource<Encounter>>,
            _,
            _,
            _,
        >(__fhir_sub_notification, r#async),
    };
};
