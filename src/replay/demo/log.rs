//! Log lines from the text files: what each container said and when.
//!
//! `@ ns/pod container` begins a stream (`ns/workload`: its Pods take turns) with options
//! `previous` and `stdout`; `-26m12.5s text` is a line, `| text` continues it; `@every 30s 6h..2m`
//! repeats the following `- text` lines in turn. In a text, `<pg>` and the like stand for the
//! line's time in that spelling, `<int 1 9>`, `<pick a|b>`, `<hex 8>` for something random; references as in
//! [`World::named`].

use chrono::{SecondsFormat, TimeDelta};
use serde_json::json;

use super::clock::Ago;
use super::dice::Dice;
use super::world::{Pod, World};
use crate::model::{Class, Vocabulary};

/// Where the lines that follow come from.
#[derive(Default)]
struct Stream {
    pods: Vec<Pod>,
    container: String,
    previous: bool,
    stdout: bool,
    turn: usize,
}

/// A line with its time, before it has a place.
struct Line {
    pod: usize,
    stream: usize,
    ago: Ago,
    text: String,
}

struct Repeat {
    every: Ago,
    from: Ago,
    to: Ago,
    texts: Vec<String>,
}

#[derive(Default)]
struct Reader {
    streams: Vec<Stream>,
    lines: Vec<Line>,
    repeat: Option<Repeat>,
}

pub(super) fn add(world: &mut World, vocabulary: &Vocabulary, text: &str) {
    let mut reader = Reader::default();
    let text = world.named(text);
    for line in text.lines() {
        reader.read(world, line);
    }
    reader.end_repeat();
    let mut dice = Dice::of(text.lines().next().unwrap_or_default());
    reader.lines.sort_by_key(|line| std::cmp::Reverse(line.ago));
    for (at, line) in reader.lines.iter().enumerate() {
        let stream = &reader.streams[line.stream];
        put(world, vocabulary, stream, line, (at, &mut dice));
    }
}

impl Reader {
    fn read(&mut self, world: &World, line: &str) {
        if let Some(options) = line.strip_prefix("@every ") {
            self.end_repeat();
            self.repeat = repeat(options);
        } else if let Some(head) = line.strip_prefix("@ ") {
            self.end_repeat();
            let mut words = head.split_whitespace();
            let pods = world.find(words.next().unwrap_or_default());
            let pods = pods.into_iter().filter(|pod| pod.started).cloned().collect();
            let container = words.next().unwrap_or_default().to_owned();
            let mut stream = Stream { pods, container, ..Stream::default() };
            for word in words {
                stream.previous |= word == "previous";
                stream.stdout |= word == "stdout";
            }
            self.streams.push(stream);
        } else if let Some(text) = line.strip_prefix("- ") {
            if let Some(repeat) = &mut self.repeat {
                repeat.texts.push(text.to_owned());
            }
        } else if let Some(more) = line.strip_prefix('|') {
            let more = more.strip_prefix(' ').unwrap_or(more);
            let last = match &mut self.repeat {
                Some(repeat) => repeat.texts.last_mut(),
                None => self.lines.last_mut().map(|line| &mut line.text),
            };
            if let Some(text) = last {
                text.push('\n');
                text.push_str(more);
            }
        } else if let Some((time, text)) = line.split_once(' ')
            && time.starts_with('-')
            && let Some(ago) = Ago::parse(time)
        {
            self.end_repeat();
            self.push(ago, text.to_owned());
        }
    }

    fn push(&mut self, ago: Ago, text: String) {
        let at = self.streams.len().saturating_sub(1);
        let Some(stream) = self.streams.last_mut().filter(|stream| !stream.pods.is_empty()) else {
            return;
        };
        let pod = stream.turn % stream.pods.len();
        stream.turn += 1;
        self.lines.push(Line { pod, stream: at, ago, text });
    }

    fn end_repeat(&mut self) {
        let Some(repeat) = self.repeat.take() else { return };
        let mut dice = Dice::of(&repeat.texts.concat());
        let every = repeat.every.0.num_milliseconds().max(1);
        let mut ago = repeat.from.0;
        while ago > repeat.to.0 && !repeat.texts.is_empty() {
            let text = repeat.texts[dice.place(repeat.texts.len())].clone();
            self.push(Ago(ago), text);
            // A beat that is a little uneven.
            let swing = i64::try_from(dice.below(1000)).unwrap_or_default();
            ago -= TimeDelta::milliseconds(every * 3 / 4 + every * swing / 2000);
        }
    }
}

fn repeat(options: &str) -> Option<Repeat> {
    let (every, range) = options.trim().split_once(' ')?;
    let (from, to) = range.split_once("..")?;
    let texts = Vec::new();
    Some(Repeat { every: Ago::parse(every)?, from: Ago::parse(from)?, to: Ago::parse(to)?, texts })
}

fn put(
    world: &mut World,
    vocabulary: &Vocabulary,
    stream: &Stream,
    line: &Line,
    (at, dice): (usize, &mut Dice),
) {
    let pod = &stream.pods[line.pod];
    // Loki has nanoseconds; they also keep lines of one moment apart.
    let nanos = TimeDelta::nanoseconds(i64::try_from(at % 1000).unwrap_or_default());
    let time = world.clock.time(line.ago) + nanos;
    let text = fill(&line.text, time, pod, dice);
    let mut body = json!({
        "timestamp": time.to_rfc3339_opts(SecondsFormat::Nanos, true), "body": text,
        "namespace": pod.namespace, "pod": pod.name, "container": stream.container,
        "node": pod.node, "metadata": {},
        "labels": {
            "namespace": pod.namespace, "pod": pod.name, "container": stream.container,
            "app": pod.workload, "node_name": pod.node,
            "job": format!("{}/{}", pod.namespace, pod.workload),
            "stream": if stream.stdout { "stdout" } else { "stderr" },
        },
    });
    if let Some(trace) = after(&text, "\"trace_id\":\"").or_else(|| after(&text, "trace_id=")) {
        body["metadata"] = json!({"trace_id": trace});
    }
    if stream.previous {
        body["previous"] = true.into();
    }
    let class = vocabulary.log_class(&pod.namespace);
    world.recording.push(&Class::new("log", class), body);
}

fn after<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(key)?;
    rest.get(..32).filter(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Replaces what stands in angle brackets.
fn fill(text: &str, time: chrono::DateTime<chrono::Utc>, pod: &Pod, dice: &mut Dice) -> String {
    let mut out = String::with_capacity(text.len() + 24);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let word = after.split_once('>').and_then(|(word, after)| {
            let (name, options) = word.split_once(' ').unwrap_or((word, ""));
            Some((value(name, options, time, pod, dice)?, after))
        });
        rest = if let Some((value, after)) = word {
            out.push_str(&value);
            after
        } else {
            out.push('<');
            after
        };
    }
    out + rest
}

fn value(
    name: &str,
    options: &str,
    time: chrono::DateTime<chrono::Utc>,
    pod: &Pod,
    dice: &mut Dice,
) -> Option<String> {
    let format = match name {
        "iso" => "%Y-%m-%dT%H:%M:%S%.3fZ",
        "pg" => "%Y-%m-%d %H:%M:%S%.3f",
        "klog" => "%m%d %H:%M:%S%.6f",
        "slash" => "%Y/%m/%d %H:%M:%S",
        "day" => "%d %b %Y %H:%M:%S%.3f",
        "clf" => "%d/%b/%Y:%H:%M:%S +0000",
        _ => "",
    };
    if !format.is_empty() {
        return Some(time.format(format).to_string());
    }
    let mut numbers = options.split(' ').filter_map(|word| word.parse::<u64>().ok());
    match name {
        "java" => Some(time.format("%Y-%m-%d %H:%M:%S%.3f").to_string().replace('.', ",")),
        "epoch" => Some(format!("{}.{:03}", time.timestamp(), time.timestamp_subsec_millis())),
        "millis" => Some(time.timestamp_millis().to_string()),
        "esc" => Some("\u{1b}".to_owned()),
        "pod" => Some(pod.name.clone()),
        "hex" => Some(dice.hex(numbers.next().and_then(|n| n.try_into().ok())?)),
        "int" => {
            let (low, high) = numbers.next().zip(numbers.next())?;
            Some((low + dice.below(high - low + 1)).to_string())
        }
        "pick" => {
            let all: Vec<&str> = options.split('|').collect();
            Some(all[dice.place(all.len())].to_owned())
        }
        _ => None,
    }
}
