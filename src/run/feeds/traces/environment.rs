//! What OpenTelemetry's environment variables say: where to send spans, and what they belong under.

/// Where spans are sent to: what OpenTelemetry's environment variables say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub service: String,
}

impl Target {
    /// None if nobody wants traces.
    pub(super) fn of(environment: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let given = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        if given("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return None;
        }
        let url = given("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| {
            let base = given("OTEL_EXPORTER_OTLP_ENDPOINT")?;
            Some(format!("{}/v1/traces", base.trim_end_matches('/')))
        })?;
        let headers = given("OTEL_EXPORTER_OTLP_TRACES_HEADERS").or_else(|| given("OTEL_EXPORTER_OTLP_HEADERS"));
        let headers = headers.unwrap_or_default();
        let pairs = headers.split(',').filter_map(|pair| pair.split_once('='));
        Some(Self {
            url,
            headers: pairs
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                .collect(),
            service: given("OTEL_SERVICE_NAME").unwrap_or_else(|| "pipe".to_owned()),
        })
    }
}

/// The span that an execution belongs under: of whoever started the program, as W3C's `traceparent` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parent {
    pub trace: String,
    pub span: String,
}

impl Parent {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.trim().split('-').collect();
        let [version, trace, span, _flags] = parts.as_slice() else {
            return None;
        };
        let is_id = |text: &str, length| {
            text.len() == length
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
                && text.bytes().any(|byte| byte != b'0')
        };
        (*version == "00" && is_id(trace, 32) && is_id(span, 16)).then(|| Self {
            trace: (*trace).to_owned(),
            span: (*span).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Parent, Target};

    #[test]
    fn the_environment_says_where_to() {
        let target = |pairs: &[(&str, &str)]| {
            Target::of(|name| {
                let found = pairs.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let url = |pairs: &[(&str, &str)]| target(pairs).map(|target| target.url);
        assert_eq!(url(&[]), None);
        assert_eq!(url(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), None);
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318/");
        assert_eq!(url(&[base]).as_deref(), Some("http://localhost:4318/v1/traces"));
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://here/x");
        assert_eq!(url(&[base, own]).as_deref(), Some("http://here/x"));
        assert_eq!(url(&[base, ("OTEL_SDK_DISABLED", "true")]), None);
        let headers = target(&[base, ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a=b, x = y")]).unwrap();
        let pairs = [("api-key", "a=b"), ("x", "y")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(headers.headers, pairs);
    }

    #[test]
    fn a_parent_is_taken_only_if_it_is_whole() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(Parent::parse(good).unwrap().span, "00f067aa0ba902b7");
        for bad in [
            "",
            "00-x-y-01",
            &good[..50],
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Parent::parse(bad), None, "{bad}");
        }
    }
}
