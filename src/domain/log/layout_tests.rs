//! Levels and previews of real lines, as each collector puts them into Loki.

use super::*;

type Pairs = &'static [(&'static str, &'static str)];

/// Who wrote it; labels, metadata, the line, its level and its preview.
type Case = (&'static str, Pairs, Pairs, &'static str, Option<&'static str>, &'static str);

const FAILED: &str = "connection refused";

const CASES: [Case; 32] = [
    // promtail: the stages `docker` and `cri` leave the line of the program.
    (
        "plain",
        &[("stream", "stderr")],
        &[],
        "2026-11-23 01:02:03,123 ERROR [main] c.s.Checkout - connection refused",
        Some("error"),
        "2026-11-23 01:02:03,123 ERROR [main] c.s.Checkout - connection refused",
    ),
    ("no level", &[("stream", "stderr")], &[], FAILED, None, FAILED),
    (
        "klog",
        &[],
        &[],
        "E1123 01:02:03.123456       1 reflector.go:150] connection refused",
        Some("error"),
        "E1123 01:02:03.123456       1 reflector.go:150] connection refused",
    ),
    (
        "logfmt",
        &[],
        &[],
        r#"ts=2026-11-23T01:02:03Z caller=main.go:12 level=warn msg="connection refused""#,
        Some("warning"),
        r#"ts=2026-11-23T01:02:03Z caller=main.go:12 level=warn msg="connection refused""#,
    ),
    (
        "logfmt of logrus",
        &[],
        &[],
        r#"time="2026-11-23T01:02:03Z" level=fatal msg="connection refused""#,
        Some("fatal"),
        r#"time="2026-11-23T01:02:03Z" level=fatal msg="connection refused""#,
    ),
    (
        "zap",
        &[],
        &[],
        r#"{"level":"error","ts":1795398640.9,"caller":"x.go:1","msg":"connection refused"}"#,
        Some("error"),
        FAILED,
    ),
    (
        "pino",
        &[],
        &[],
        r#"{"level":50,"time":1795398640999,"pid":1,"msg":"connection refused"}"#,
        Some("error"),
        FAILED,
    ),
    (
        "ECS",
        &[],
        &[],
        r#"{"@timestamp":"2026-11-23T01:02:03Z","log.level":"ERROR","message":"connection refused"}"#,
        Some("error"),
        FAILED,
    ),
    (
        "Serilog",
        &[],
        &[],
        r#"{"@t":"2026-11-23T01:02:03Z","@m":"connection refused","@l":"Fatal"}"#,
        Some("fatal"),
        FAILED,
    ),
    ("a label by a pipeline", &[("level", "ERROR")], &[], FAILED, Some("error"), FAILED),
    ("what Loki guessed", &[], &[("detected_level", "error")], FAILED, Some("error"), FAILED),
    (
        "what Loki did not know",
        &[],
        &[("detected_level", "unknown")],
        "WARN connection refused",
        Some("warning"),
        "WARN connection refused",
    ),
    // Lines of container runtimes as they are, where no stage was configured.
    (
        "docker",
        &[],
        &[],
        r#"{"log":"level=error msg=refused\n","stream":"stderr","time":"2026-11-23T01:02:03.1Z"}"#,
        Some("error"),
        "level=error msg=refused",
    ),
    (
        "docker with JSON",
        &[],
        &[],
        r#"{"log":"{\"level\":\"warn\",\"msg\":\"connection refused\"}\n","stream":"stdout","time":"2026-11-23T01:02:03.1Z"}"#,
        Some("warning"),
        FAILED,
    ),
    (
        "docker with a word",
        &[],
        &[],
        r#"{"log":"[ERROR] connection refused\n","stream":"stdout","time":"2026-11-23T01:02:03.1Z"}"#,
        Some("error"),
        "[ERROR] connection refused",
    ),
    (
        "CRI",
        &[],
        &[],
        "2026-11-23T01:02:03.123456789Z stderr F E1123 01:02:03.123456       1 x.go:1] refused",
        Some("error"),
        "2026-11-23T01:02:03.123456789Z stderr F E1123 01:02:03.123456       1 x.go:1] refused",
    ),
    (
        "CRI with JSON",
        &[],
        &[],
        r#"2026-11-23T01:02:03.123456789+01:00 stdout F {"level":"info","msg":"an ERROR"}"#,
        Some("info"),
        r#"2026-11-23T01:02:03.123456789+01:00 stdout F {"level":"info","msg":"an ERROR"}"#,
    ),
    // Fluent Bit with its filter `kubernetes`, with and without Merge_Log.
    (
        "Fluent Bit",
        &[("job", "fluentbit")],
        &[],
        r#"{"log":"E1123 01:02:03.123456       1 x.go:1] refused","stream":"stderr","kubernetes":{"pod_name":"db-0","labels":{"level":"info"}}}"#,
        Some("error"),
        "E1123 01:02:03.123456       1 x.go:1] refused",
    ),
    (
        "Fluent Bit, merged",
        &[("job", "fluentbit")],
        &[],
        r#"{"log":"{\"level\":\"error\",\"msg\":\"connection refused\"}","level":"error","msg":"connection refused","kubernetes":{"pod_name":"db-0"}}"#,
        Some("error"),
        FAILED,
    ),
    (
        "Fluent Bit, merged below a key",
        &[("job", "fluentbit")],
        &[],
        r#"{"log_processed":{"level":"error","msg":"connection refused"},"kubernetes":{"pod_name":"db-0"}}"#,
        Some("error"),
        FAILED,
    ),
    // OpenShift, ViaQ: the collector guesses a level, `default` if it has no idea.
    (
        "ViaQ",
        &[("log_type", "application")],
        &[],
        r#"{"@timestamp":"2026-11-23T01:02:03Z","level":"error","message":"connection refused","kubernetes":{"pod_name":"db-0"},"openshift":{"sequence":1}}"#,
        Some("error"),
        FAILED,
    ),
    (
        "ViaQ without a level",
        &[("log_type", "application")],
        &[],
        r#"{"level":"default","message":"level=warn msg=refused","kubernetes":{"pod_name":"db-0"}}"#,
        Some("warning"),
        "level=warn msg=refused",
    ),
    (
        "ViaQ, structured",
        &[("log_type", "application")],
        &[],
        r#"{"level":"unknown","structured":{"level":"error","msg":"connection refused"},"kubernetes":{"pod_name":"db-0"}}"#,
        Some("error"),
        FAILED,
    ),
    // OpenTelemetry: by OTLP, and as JSON of the exporter for Loki.
    (
        "OTLP",
        &[("service_name", "db")],
        &[("severity_text", "ERROR"), ("severity_number", "17")],
        FAILED,
        Some("error"),
        FAILED,
    ),
    (
        "OTLP, number alone",
        &[("service_name", "db")],
        &[("severity_number", "13")],
        FAILED,
        Some("warning"),
        FAILED,
    ),
    (
        "OTLP, number of debug",
        &[("service_name", "db")],
        &[("severity_number", "5")],
        FAILED,
        Some("debug"),
        FAILED,
    ),
    (
        "OTLP, a word of its own",
        &[("service_name", "db")],
        &[("severity_text", "Information")],
        FAILED,
        Some("info"),
        FAILED,
    ),
    (
        "OTel as JSON",
        &[("exporter", "OTLP")],
        &[],
        r#"{"body":"connection refused","severity":"Error","resources":{"k8s.pod.name":"db-0"}}"#,
        Some("error"),
        FAILED,
    ),
    (
        "OTel with a number",
        &[("exporter", "OTLP")],
        &[],
        r#"{"body":"connection refused","severityNumber":9,"resources":{"k8s.pod.name":"db-0"}}"#,
        Some("info"),
        FAILED,
    ),
    // Journals.
    (
        "journal as JSON",
        &[("job", "fluentbit")],
        &[],
        r#"{"PRIORITY":"3","_SYSTEMD_UNIT":"kubelet.service","MESSAGE":"connection refused"}"#,
        Some("error"),
        FAILED,
    ),
    (
        "journal of klog",
        &[("job", "fluentbit")],
        &[],
        r#"{"_SYSTEMD_UNIT":"kubelet.service","MESSAGE":"W1123 01:02:03.123456    1234 x.go:1] refused"}"#,
        Some("warning"),
        "W1123 01:02:03.123456    1234 x.go:1] refused",
    ),
    (
        "a priority that is none",
        &[],
        &[],
        r#"{"priority":1,"msg":"connection refused"}"#,
        None,
        FAILED,
    ),
];

#[test]
fn real_lines_of_every_layout_tell_their_level_and_message() {
    for (name, labels, metadata, text, level, preview) in CASES {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
        let labels: Map<String, Value> = labels.collect();
        let fields: Fields = metadata.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let (class, words) = (Class::new("log", "application"), Vocabulary::builtin());
        let time = DateTime::from_timestamp_nanos(1_795_398_640_999_368_001);
        let line = LogStream::new(&class, labels, false, &words).object(time, text.into(), fields);
        assert_eq!(line.text("/level"), level, "{name}: {text}");
        assert_eq!(line.preview, preview, "{name}");
    }
}
