//! The load: wrk, with a script that makes every registration one of its own.

use std::path::Path;
use std::process::Stdio;

use serde::Deserialize;
use tokio::process::Command;

use super::server::Server;

/// What wrk runs: GETs, or registrations in turn of several events, with emails in no order, as people come. It prints its figures as one
/// line.
const SCRIPT: &str = r#"
local headers = { ["Content-Type"] = "application/json", ["X-Role"] = "user" }
local paths, n = {}, 0
for path in string.gmatch(os.getenv("PATHS"), "[^,]+") do paths[#paths + 1] = path end
local run = os.getenv("RUN")
if os.getenv("METHOD") == "GET" then
  function request()
    n = n + 1
    return wrk.format("GET", paths[n % #paths + 1])
  end
  if #paths == 1 then request = nil; wrk.method, wrk.path = "GET", paths[1] end
else
  function request()
    n = n + 1
    local scattered = string.format("%08x", n * 2654435761 % 4294967296)
    return wrk.format("POST", paths[n % #paths + 1], headers, '{"email":"' .. scattered .. '.' .. n .. '.' .. run .. '@example.org"}')
  end
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT {"requests":%d,"seconds":%.6f,"p50_ms":%.4f,"p99_ms":%.4f,"max_ms":%.4f,"other_status":%d,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"#;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    /// A registration, each of another email.
    Register,
}

/// What wrk is to do.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) method: Method,
    /// In turn.
    pub(crate) paths: Vec<String>,
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
    /// Part of every email, so that no two runs have one in common.
    pub(crate) run: String,
    /// Whether all answers are to be refusals (4xx), instead of none.
    pub(crate) refused: bool,
}

/// What came of it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Measured {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    /// Answers that are neither 2xx nor 3xx.
    other_status: u64,
    errors: u64,
    /// CPU time of the server for each request, in microseconds.
    #[serde(skip)]
    pub(crate) cpu_us: f64,
}

impl Measured {
    #[expect(clippy::cast_precision_loss, reason = "it is a measurement")]
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

/// wrk's own word for its version.
pub(crate) async fn version() -> Result<String, String> {
    let said = Command::new("wrk").arg("--version").output().await.map_err(missing)?;
    // It prints it on either stream, with its usage behind.
    let text = [said.stdout, said.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    Ok(text.split(" [").next().unwrap_or("wrk").trim().to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn missing(error: std::io::Error) -> String {
    format!("wrk does not start ({error}): it makes the load; install it (Debian and Ubuntu: apt-get install wrk)")
}

impl Load {
    /// As a command, for people.
    pub(crate) fn shown(&self) -> String {
        let what = match self.method {
            Method::Get => "GET",
            Method::Register => "POST",
        };
        format!("wrk -t1 -c{} -d{}s --latency, {what}", self.connections, self.seconds)
    }

    /// Loads a server, and checks that all answers are what they should be.
    pub(crate) async fn run(&self, server: &Server) -> Result<Measured, String> {
        let script = server.folder().join("load.lua");
        std::fs::write(&script, SCRIPT).map_err(|error| format!("{}: {error}", script.display()))?;
        let before = server.cpu_seconds()?;
        let mut measured = self.wrk(server, &script).await?;
        let used = server.cpu_seconds()? - before;
        #[expect(clippy::cast_precision_loss, reason = "it is a measurement")]
        let each = used * 1e6 / measured.requests.max(1) as f64;
        measured.cpu_us = each;
        let expected = if self.refused { measured.requests } else { 0 };
        if measured.requests == 0 || measured.other_status != expected || measured.errors > 0 {
            return Err(format!(
                "{}: {} of {} answers to {} were no 2xx, {expected} were expected, and {} connections failed; \
                 {} says why",
                server.name(),
                measured.other_status,
                measured.requests,
                self.shown(),
                measured.errors,
                server.log_kept().display()
            ));
        }
        Ok(measured)
    }

    async fn wrk(&self, server: &Server, script: &Path) -> Result<Measured, String> {
        let method = if self.method == Method::Get { "GET" } else { "POST" };
        let said = Command::new("wrk")
            .args(["-t1", "--timeout", "20s", "--latency", "-s"])
            .arg(script)
            .args([format!("-c{}", self.connections), format!("-d{}s", self.seconds), server.url()])
            .env("METHOD", method)
            .env("PATHS", self.paths.join(","))
            .env("RUN", &self.run)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(missing)?;
        let text = String::from_utf8_lossy(&said.stdout);
        let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
        line.and_then(|line| serde_json::from_str(line).ok()).ok_or_else(|| {
            format!("{}: wrk gave no figures; it said: {text} {}", server.name(), String::from_utf8_lossy(&said.stderr))
        })
    }
}
