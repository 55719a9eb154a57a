/// Create an encounter when a patient arrives
/// for an appointment.
///
/// This is no reason.
async fn arrived_appointments(
    appointment: Resource<Appointment>,
    fhir: FhirClient,
) -> Result<()> {
    Ok(())
}
const _: () = {
    use ::fhir_sub::__private as __fhir_sub;
    use __fhir_sub::Silent as _;
    #[doc(hidden)]
    #[macro_export]
    #[allow(non_local_definitions)]
    macro_rules! __fhir_sub_two_handlers_have_the_endpoint__arrived_dash_appointments {
        () => {};
    }
    const _: () = {
        __fhir_sub::must_be_read_from(
            __fhir_sub::Argument::<FhirClient>::TYPE,
            "Appointment",
        );
    };
    const _: () = __fhir_sub::must_be_read_from(
        __fhir_sub::Argument::<Resource<Appointment>>::TYPE,
        "Appointment",
    );
    #[__fhir_sub::linkme::distributed_slice(__fhir_sub::FHIR_SUB_DECLARATIONS)]
    #[linkme(crate = __fhir_sub::linkme)]
    static __FHIR_SUB_DECLARATION: __fhir_sub::Declaration = __fhir_sub::Declaration {
        handler: "arrived_appointments",
        source: __fhir_sub::source!(),
        trigger: __fhir_sub::Trigger::Criteria("Appointment?status=arrived"),
        has_placeholders: false,
        endpoint: "arrived-appointments",
        reason: "Create an encounter when a patient arrives for an appointment.",
        interactions: __fhir_sub::Interactions::DEFAULT,
        content: __fhir_sub::Content::FullResource,
        trust: __fhir_sub::Trust::Notification,
        order: __fhir_sub::Order::Any,
        end: __fhir_sub::None,
        versions: __fhir_sub::FhirVersions::WITH_CRITERIA,
        parameter_types: &[__fhir_sub::ParameterType::Token],
        allowed: __fhir_sub::None,
        registration: __fhir_sub::None,
        uses: __fhir_sub::Uses::NOTHING
            .and(__fhir_sub::Argument::<Resource<Appointment>>::USES)
            .and(__fhir_sub::Argument::<FhirClient>::USES),
        require: |__fhir_sub_requirements| {
            __fhir_sub::require::<Resource<Appointment>>(__fhir_sub_requirements);
            __fhir_sub::require::<FhirClient>(__fhir_sub_requirements);
        },
        run: |__fhir_sub_notification| __fhir_sub::run_2::<
            Resource<Appointment>,
            FhirClient,
            Result<()>,
            _,
            _,
        >(__fhir_sub_notification, arrived_appointments),
    };
};
