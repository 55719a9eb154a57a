//! A FHIR server that creates every resource that it gets.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::http::Connection;

/// Starts it, and returns its base URL.
pub(crate) fn start() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    Ok(format!("http://{address}/fhir"))
}

fn serve(stream: TcpStream) -> io::Result<()> {
    let mut connection = Connection::new(stream)?;
    while connection.request()?.is_some() {
        let headers = "content-type: application/fhir+json\r\nlocation: Basic/1/_history/1\r\n";
        connection.answer("201 Created", headers, r#"{"resourceType":"Basic","id":"1"}"#)?;
    }
    Ok(())
}
