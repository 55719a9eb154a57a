/// The function stays as it is.
pub fn patients(event: Event) -> u8 {
    0
}
::core::compile_error! {
    "the criteria starts with 'p', not with a resource type such as `Encounter`; it takes a FHIR search in quotes: `criteria = \"Encounter?status=finished\"`"
}
::core::compile_error! {
    "`endpoint` is missing; it takes one path segment in quotes: `endpoint = \"finished-encounters\"`"
}
::core::compile_error! {
    "nothing would ever be sent: name one interaction at least, such as `on = [create]`, or leave `on` out for creates and updates"
}
::core::compile_error! {
    "a handler is an async function: write `async fn patients`"
}
