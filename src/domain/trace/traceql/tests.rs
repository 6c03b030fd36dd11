//! TraceQL: what parses, how it prints, what it selects, and what is said of faults.

use serde_json::{Value, json};

use super::*;

fn span() -> Value {
    json!({
        "traceID": "038a20c75e6f32e1a3a156e9c5630cb2", "spanID": "fbedfa8a6218f1ff",
        "name": "POST /checkout", "kind": "server", "service": "checkout",
        "startTimeUnixNano": "1795398713894886144", "durationNano": 1_633_000_000,
        "status": {"code": "error", "message": "insert order failed"},
        "resource": {"service.name": "checkout", "k8s.pod.name": "checkout-1", "k8s.namespace.name": "shop"},
        "attributes": {"http.response.status_code": 500, "order.express": true, "odd name": "x", "retry": "3", "list": ["x", "y"]},
        "events": [{"name": "exception", "attributes": {"exception.type": "PSQLException"}}],
    })
}

#[track_caller]
fn selects(text: &str, expected: Option<bool>) {
    let query = TraceQl::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
    assert_eq!(query.matches(&span()), expected, "{text}");
    let printed = query.text();
    let again = TraceQl::parse(&printed).unwrap_or_else(|fault| panic!("{printed}: {fault:?}"));
    assert_eq!(again.text(), printed, "{text}");
    assert_eq!(again.matches(&span()), expected, "{printed}");
}

#[test]
fn conditions_on_one_span_are_decided() {
    for text in [
        "{}",
        r#"{resource.service.name="checkout"}"#,
        r#"{ resource.service.name = "checkout" && status = error }"#,
        r#"{ .service.name = "checkout" && span.http.response.status_code >= 500 }"#,
        "{ duration > 1.6s && duration<=1633ms }",
        "{ duration > 1s500ms }",
        "{ kind = server }",
        "{ span:kind = server && span:status = error }",
        r#"{ name =~ "POST .*" }"#,
        r#"{ name !~ "GET .*" && statusMessage != "x" }"#,
        "{ span.order.express }",
        "{ span.order.express = true }",
        "{ !(status = ok) }",
        r#"{ status = ok || kind = client || name = "POST /checkout" }"#,
        r#"{ status = ok && kind = client || name = "POST /checkout" }"#,
        r#"{ span."odd name" = "x" }"#,
        r#"{ event.exception.type = "PSQLException" && event:name = "exception" }"#,
        r#"{ trace:id = "38a20c75e6f32e1a3a156e9c5630cb2" }"#,
        r#"{ span:id = "FBEDFA8A6218F1FF" }"#,
        r#"{ span.retry = "3" && span.retry != nil }"#,
        "{ span.nope = nil }",
        r#"{ span.list = "y" }"#,
        "{ span.http.response.status_code > -1 }",
    ] {
        selects(text, Some(true));
    }
    for text in [
        r#"{ resource.service.name = "web" }"#,
        r#"{ span.service.name = "checkout" }"#,
        "{ status = ok }",
        // What is not there fails every comparison.
        r#"{ span.nope != "x" }"#,
        r#"{ span.nope !~ "x" }"#,
        // Both operators bind alike, from the left.
        r#"{ name = "POST /checkout" || kind = client && status = ok }"#,
        // Regular expressions match whole values.
        r#"{ name =~ "POST" }"#,
        "{ span.retry = 3 }",
        r#"{ resource.service.name = "web" } | count() > 2"#,
    ] {
        selects(text, Some(false));
    }
    for text in [
        "{ status = error } | count() > 2",
        "{ status = error } | select(span.x, resource.y) with (most_recent=true)",
        "{ kind = server } >> { status = error }",
        "({ kind = server } && { status = error }) | by(resource.service.name)",
        "{ traceDuration > 1s && status = error }",
        "{ span.a + span.b > 2 }",
        "{ parent.span.x = 1 }",
    ] {
        selects(text, None);
    }
    // What is known already may be enough.
    selects("{ traceDuration > 1s && status = ok }", Some(false));
    selects("{ traceDuration > 1s || status = error }", Some(true));
}

#[track_caller]
fn prints(text: &str, expected: &str) {
    assert_eq!(TraceQl::parse(text).unwrap().text(), expected);
}

#[test]
fn a_query_prints_in_one_way() {
    prints(
        r#"{resource.service.name="a"&&status=error}"#,
        r#"{ resource.service.name = "a" && status = error }"#,
    );
    prints("{ ( span.a = 1 ) }", "{ span.a = 1 }");
    prints(
        "{ span.a = 1 && (span.b = 2 || span.c = 3) }",
        "{ span.a = 1 && (span.b = 2 || span.c = 3) }",
    );
    prints(
        "{ span.a = 1 || span.b = 2 && span.c = 3 }",
        "{ (span.a = 1 || span.b = 2) && span.c = 3 }",
    );
    prints("{ duration > 1500ms }", "{ duration > 1500ms }");
    prints("{ span:childCount > 1 }", "{ span:childCount > 1 }");
    prints("{ duration > 60s }", "{ duration > 1m }");
    prints("{ !(status = ok) }", "{ !(status = ok) }");
    prints("{name=`a\"b`}", r#"{ name = "a\"b" }"#);
    prints("{}|count( )>2", "{} |count( )>2");
    prints("{ }  >>  {status=error}", "{} >> { status = error }");
}

#[track_caller]
fn fault(text: &str, at: usize, words: &str) {
    let fault = TraceQl::parse(text).expect_err(text);
    assert_eq!(fault.offset, Some(at), "{text}: {fault}");
    assert!(fault.message.contains(words), "{text}: {fault}");
}

#[test]
fn faults_tell_what_and_where() {
    fault("status = error", 0, "expected {");
    fault("{ resource.service.name = ", 26, "something is missing");
    fault("{ status = error", 0, "never closed");
    fault("{ status = \"error\" }", 11, "without quotes");
    fault("{ duration > \"x\" }", 13, "a duration");
    fault("{ kind = error }", 9, "server, client");
    fault("{ name = server }", 9, "a string in double quotes");
    fault("{ service.name = \"x\" }", 2, "resource.service.name");
    fault("{ nmae = \"x\" }", 2, "did you mean name?");
    fault("{ name =~ \"(\" }", 10, "no regular expression");
    fault("{ name =~ x }", 10, "in quotes");
    fault("{ name = \"x }", 9, "no closing quote");
    fault("{ name = 'x' }", 9, "double quotes");
    fault("{ duration > 5q }", 13, "nor a duration");
    fault("{ (name = \"x\" }", 2, "never closed");
    fault("{ name = \"x\" } | select(a", 23, "never closed");
    fault("{ name = \"x\" } foo", 15, "after a spanset");
    fault("{ name = \"x\" \"y\" }", 13, "expected an operator");
    fault("{ && }", 2, "expected an attribute");
    for deep in ["(", "{ (", "{ !"] {
        let fault = TraceQl::parse(&deep.replace(['(', '!'], &deep[deep.len() - 1..].repeat(9999)));
        assert!(fault.expect_err("too deep").message.contains("too many brackets"));
    }
}

#[test]
fn terms_for_servers_that_only_join_conditions() {
    let terms = |text: &str| TraceQl::parse(text).unwrap().terms();
    let text = r#"{ resource.service.name = "web" && status = error && name = "GET /" && duration > 1s
        && span.http.status_code = 500 && resource.k8s.pod.name =~ "web.*" }"#;
    let expected = Terms {
        service: Some("web".to_owned()),
        name: Some("GET /".to_owned()),
        tags: vec![("http.status_code".to_owned(), "500".to_owned())],
        failed: true,
        shortest: Some(1_000_000_000),
        longest: None,
    };
    assert_eq!(terms(text), Some(expected));
    assert_eq!(terms("{}"), Some(Terms::default()));
    assert_eq!(terms("{ status = error || kind = server }"), Some(Terms::default()));
    assert_eq!(terms("{ status = error } | count() > 1"), None);
    assert_eq!(terms("{ status = error } >> {}"), None);
}

#[test]
fn a_condition_can_be_added_to_a_simple_query() {
    let and = |text: &str| TraceQl::parse(text).unwrap().and("status = error");
    assert_eq!(and("{}").as_deref(), Some("{ status = error }"));
    let expected = r#"{ (name = "a" || name = "b") && status = error }"#;
    assert_eq!(and(r#"{ name = "a" || name = "b" }"#).as_deref(), Some(expected));
    assert_eq!(and("{ kind = server } >> {}"), None);
}
