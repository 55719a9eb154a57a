//! As much of HTTP/1.1 as a loopback client needs: reads a request, and writes an answer.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

pub(crate) struct Connection(BufReader<TcpStream>);

pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// The next request; `None` if the client has gone.
    pub(crate) fn request(&mut self) -> io::Result<Option<Request>> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let (mut length, mut is_chunked) = (0, false);
        while let Some((name, value)) = self.header()? {
            match &*name.to_ascii_lowercase() {
                "content-length" => length = value.parse().map_err(io::Error::other)?,
                "transfer-encoding" => is_chunked = true,
                _ => {}
            }
        }
        let body = if is_chunked { self.chunks()? } else { self.bytes(length)? };
        Ok(Some(Request { line, body }))
    }

    fn header(&mut self) -> io::Result<Option<(String, String)>> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let pair = line.trim_end().split_once(':');
        Ok(pair.map(|(name, value)| (name.to_owned(), value.trim().to_owned())))
    }

    fn bytes(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
            body.extend(self.bytes(length)?);
            self.0.read_line(&mut line)?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    /// Answers with further header lines, each of which ends in `\r\n`.
    pub(crate) fn answer(&mut self, status: &str, headers: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n");
        self.0.get_mut().write_all(&[head.as_bytes(), body.as_bytes()].concat())
    }
}
