//! Log ingest: an answer of Loki with 100,000 lines becomes the rows that a pane draws: objects
//! with level, severity, time and preview, newest first. Peak memory is measured in child
//! processes, since this one has had other things in memory.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;

use korrel8::client::loki::streams;
use korrel8::domain;
use korrel8::domain::log::LogStream;
use korrel8::model::{Class, Object, Severity, Vocabulary};
use korrel8::rule::RuleSet;

use crate::measure::{Row, clock, in_turn};

const LINES: usize = 100_000;
const STREAMS: usize = 40;
const RUNS: usize = 9;

/// The argument that makes this program a child that ingests, or only reads, a file.
pub(crate) const CHILD: &str = "--ingest-child";

pub(crate) fn run() -> Vec<Row> {
    let answer = answer();
    let rules = rules();
    let ours = || clock(|| assert_eq!(ingest(&answer, &rules).len(), LINES));
    let parse = || {
        clock(|| {
            let value: serde_json::Value = serde_json::from_slice(answer.as_bytes()).expect("JSON");
            assert_eq!(value["status"], "success");
        })
    };
    let pair = in_turn(RUNS, ours, parse);
    let size = megabytes(answer.len() as u64);
    let mut rows = vec![Row {
        bench: "log ingest, 100,000 lines".to_owned(),
        bound: "`serde_json::from_slice::<Value>` of the same bytes".to_owned(),
        target: 2.0,
        ratio: pair.ratio,
        figures: format!("{:.0?} and {:.0?} for {size}, median of {RUNS}", pair.took, pair.bound),
    }];
    rows.extend(memory(&answer));
    rows
}

/// The peak of a process that ingests, without what a process that only reads the rules and the
/// bytes has besides them.
fn memory(answer: &str) -> Option<Row> {
    let file = std::env::temp_dir().join(format!("korrel8-ingest-{}.json", std::process::id()));
    std::fs::write(&file, answer).expect("a temporary file");
    let peak = |what: &str| -> Option<u64> {
        let program = std::env::current_exe().ok()?;
        let out = Command::new(program).args([CHILD, what]).arg(&file).output().ok()?;
        String::from_utf8(out.stdout).ok()?.trim().parse().ok()
    };
    let peaks = (peak("read"), peak("ingest"));
    std::fs::remove_file(&file).ok();
    let (read, ingest) = (peaks.0?, peaks.1?);
    let bytes = answer.len() as u64;
    let used = ingest + bytes - read;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let ratio = used as f64 / bytes as f64;
    Some(Row {
        bench: "peak memory of that ingest".to_owned(),
        bound: "bytes of the answer".to_owned(),
        target: 2.5,
        ratio,
        figures: format!(
            "{} for {}: peak of a process that ingests, {}, less that of one that reads the \
             bytes only, {}, plus the bytes",
            megabytes(used),
            megabytes(bytes),
            megabytes(ingest),
            megabytes(read)
        ),
    })
}

/// What the child does: prints its peak of resident memory in bytes.
pub(crate) fn child(arguments: &[String]) {
    let [what, file] = arguments else { return };
    // Rules are there before any answer; their memory is not that of the ingest.
    let rules = rules();
    let text = std::fs::read_to_string(file).expect("the answer");
    let shown = if what == "ingest" { ingest_owned(text, &rules).len() } else { text.len() };
    assert!(shown >= LINES);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok());
    if let Some(kilobytes) = kilobytes {
        println!("{}", kilobytes * 1024);
    }
}

/// The same as in the program: the bytes are gone once they are parsed.
fn ingest_owned(text: String, rules: &RuleSet) -> Vec<Arc<Object>> {
    let streams = streams(&text).expect("an answer");
    drop(text);
    rows(streams, rules)
}

fn ingest(text: &str, rules: &RuleSet) -> Vec<Arc<Object>> {
    rows(streams(text).expect("an answer"), rules)
}

fn rows(streams: Vec<korrel8::client::loki::Stream>, rules: &RuleSet) -> Vec<Arc<Object>> {
    let class = Class::new("log", "application");
    let mut lines: Vec<Arc<Object>> = Vec::new();
    for own in streams {
        let mut stream = LogStream::new(&class, own.labels, false, rules.vocabulary());
        lines.extend(own.entries.into_iter().map(|entry| {
            let mut line = stream.object(entry.time, entry.line, entry.metadata);
            rules.judge(&mut line);
            Arc::new(line)
        }));
    }
    lines.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.id.cmp(&b.id)));
    let shown = lines.iter().filter(|line| line.severity > Severity::None).count();
    assert!(shown > lines.len() / 2 && lines.iter().all(|line| !line.preview.is_empty()));
    lines
}

fn rules() -> RuleSet {
    let domains = domain::all(&Vocabulary::builtin());
    RuleSet::load(&domains, &RuleSet::builtin_files()).0
}

/// An answer as Loki gives it to a query for the Pods of a namespace: five ways to write a line,
/// a guessed level with every line, a trace id with one line in eight.
fn answer() -> String {
    let mut text = String::from(r#"{"status":"success","data":{"resultType":"streams","result":["#);
    for stream in 0..STREAMS {
        let comma = if stream == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"stream":{{"app":"checkout","cluster":"eu-1","container":"app","filename":"/var/log/pods/shop_checkout-{stream}/app/0.log","job":"shop/checkout","namespace":"shop","node_name":"node-{}","pod":"checkout-7d9c5b6f4-{stream:05}","service_name":"checkout"}},"values":["#,
            stream % 7
        )
        .expect("a string");
        for line in 0..LINES / STREAMS {
            let nanos =
                1_795_398_640_999_368_001_u64 - (line * STREAMS + stream) as u64 * 7_919_000;
            let comma = if line == 0 { "" } else { "," };
            let (level, message) = message(line * STREAMS + stream);
            let quoted = serde_json::to_string(&message).expect("a string");
            let trace = if line % 8 == 0 {
                format!(r#","trace_id":"{:032x}""#, nanos.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            } else {
                String::new()
            };
            write!(
                text,
                r#"{comma}["{nanos}",{quoted},{{"structuredMetadata":{{"detected_level":"{level}"{trace}}}}}]"#
            )
            .expect("a string");
        }
        text.push_str("]}");
    }
    text + r#"],"stats":{"summary":{"bytesProcessedPerSecond":1}}}}"#
}

fn message(at: usize) -> (&'static str, String) {
    let level = ["info", "info", "info", "debug", "info", "warn", "info", "error"][at / 5 % 8];
    let upper = level.to_uppercase();
    let letter = &upper[..1];
    let text = match at % 5 {
        0 => format!(
            r#"{{"level":"{level}","ts":"2026-11-23T01:50:40.{:06}Z","caller":"checkout/cart.go:{}","msg":"request served","method":"POST","path":"/api/cart/{at}","status":200,"duration_ms":{}}}"#,
            at % 1_000_000,
            at % 400,
            at % 90
        ),
        1 => format!(
            r#"ts=2026-11-23T01:50:40.{:06}Z caller=db.go:{} level={level} component=pool msg="connection returned to the pool" id={at} idle={} took=12.{}ms"#,
            at % 1_000_000,
            at % 300,
            at % 20,
            at % 10
        ),
        2 => format!(
            "{letter}1123 01:50:40.{:06}       1 reconciler.go:{}] Reconciled object shop/order-{at} in namespace shop, generation {}",
            at % 1_000_000,
            at % 500,
            at % 9
        ),
        3 => format!(
            r#"10.244.{}.{} - - [23/Nov/2026:01:50:40 +0000] "GET /products/{at}?page={} HTTP/1.1" 200 {} "-" "Mozilla/5.0 (X11; Linux x86_64)""#,
            at % 200,
            at % 250,
            at % 30,
            at % 9000
        ),
        _ => format!(
            "2026-11-23 01:50:40,{:03} {upper} [http-nio-8080-exec-{}] c.s.checkout.OrderService - order {at} for customer {} has been accepted and is being paid",
            at % 1000,
            at % 40,
            at % 7000
        ),
    };
    (level, text)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
