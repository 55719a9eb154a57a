/// The function stays as it is.
pub fn patients(event: Event) -> u8 {
    0
}
::core::compile_error! {
    "there is no resource type `patient`: did you mean `Patient`?\n\n    patient\n    ^^^^^^^\n\nhttps://hl7.org/fhir/R4/resourcelist.html\nA type that only your server has: `unchecked = true`"
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
