//! [`Api`]: the Runtime API (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>) of one
//! function. It measures the function between two events.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::event::Events;
use crate::http::Connection;
use crate::process::{Process, peak_memory, processor};

/// The longest time of all of it, even with valgrind.
const LIMIT: Duration = Duration::from_secs(300);

/// How many events follow the first one.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) warm: usize,
    pub(crate) times: usize,
}

pub(crate) struct Api {
    address: SocketAddr,
    shared: Arc<Shared>,
    done: Receiver<Result<Value, String>>,
}

struct Shared {
    events: Events,
    plan: Plan,
    /// Set when the process runs.
    process: OnceLock<(u32, Instant)>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    handed_out: usize,
    first_answer: Option<Instant>,
    cold_processor: u64,
    /// When the measured events began, and the processor time until then.
    begun: Option<(Instant, u64)>,
}

impl Api {
    pub(crate) fn start(events: Events, plan: Plan) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { events, plan, process: OnceLock::new(), progress: Mutex::default() });
        let (sender, done) = channel();
        let serving = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, sender) = (serving.clone(), sender.clone());
                thread::spawn(move || {
                    if let Err(error) = shared.serve(stream, &sender) {
                        drop(sender.send(Err(error.to_string())));
                    }
                });
            }
        });
        Ok(Self { address, shared, done })
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// The measurements of the program, after it has answered all events. Ends the program.
    pub(crate) fn measure(&self, process: Process) -> Result<Value, String> {
        let (id, started) = (process.id(), process.started);
        self.shared.process.set((id, started)).map_err(|_| "it was started before")?;
        let taken = self.done.recv_timeout(LIMIT);
        process.end();
        taken.unwrap_or_else(|_| Err("it did not answer in time".into()))
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream, sender: &Sender<Result<Value, String>>) -> io::Result<()> {
        let mut connection = Connection::new(stream)?;
        while let Some(request) = connection.request()? {
            if request.line.starts_with("GET ") {
                let Some(number) = self.next()? else {
                    drop(sender.send(self.taken().map_err(|error| error.to_string())));
                    // The program waits for an event that never arrives.
                    loop {
                        thread::park();
                    }
                };
                connection.answer("200 OK", &invocation(number), &self.events.nth(number))?;
                continue;
            }
            let first =
                &mut self.progress.lock().map_err(|_| io::Error::other("a thread panicked"))?.first_answer;
            first.get_or_insert_with(Instant::now);
            let body = String::from_utf8_lossy(&request.body);
            if !request.line.contains("/response ") || !body.contains("\"statusCode\":204") {
                let text = format!("it answered {} {body}", request.line.trim_end());
                return Err(io::Error::other(text));
            }
            connection.answer("202 Accepted", "", "")?;
        }
        Ok(())
    }

    /// The number of the next event; `None` after the last one. The program is idle meanwhile.
    fn next(&self) -> io::Result<Option<usize>> {
        let id = self.process.wait().0;
        let mut progress = self.progress.lock().map_err(|_| io::Error::other("a thread panicked"))?;
        let number = progress.handed_out;
        if number == 1 {
            progress.cold_processor = processor(id)?;
        }
        if number == 1 + self.plan.warm {
            progress.begun = Some((Instant::now(), processor(id)?));
        }
        progress.handed_out += 1;
        Ok((number < 1 + self.plan.warm + self.plan.times).then_some(number))
    }

    fn taken(&self) -> io::Result<Value> {
        let (id, started) = *self.process.wait();
        let (now, processor) = (Instant::now(), processor(id)?);
        let progress = self.progress.lock().map_err(|_| io::Error::other("a thread panicked"))?;
        let (Some(first), Some((begun, used))) = (progress.first_answer, progress.begun) else {
            return Err(io::Error::other("it has answered nothing"));
        };
        Ok(json!({
            "cold_wall": first.duration_since(started).as_nanos() as u64,
            "cold_processor": progress.cold_processor,
            "wall": now.duration_since(begun).as_nanos() as u64,
            "processor": processor - used,
            "peak_memory": peak_memory(id)?,
        }))
    }
}

/// The headers of an invocation.
fn invocation(number: usize) -> String {
    let deadline = SystemTime::now() + Duration::from_secs(29);
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    format!(
        "content-type: application/json\r\n\
         lambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-{number:012}\r\n\
         lambda-runtime-deadline-ms: {deadline}\r\n\
         lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:123456789012:function:speed\r\n\
         lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0\r\n"
    )
}
