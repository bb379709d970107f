//! What a server says of itself in Prometheus' text format.

/// One reading of `/metrics`.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// The answer's body.
    text: String,
}

/// A histogram of seconds, its labels added up.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Buckets {
    /// Upper edges in rising order, each with how many samples do not exceed it.
    edges: Vec<(f64, f64)>,
}

impl Metrics {
    pub(crate) fn new(text: String) -> Self {
        Self { text }
    }

    /// The sum of a counter or gauge over its labels; `None` where there is none.
    pub(crate) fn sum(&self, name: &str) -> Option<f64> {
        let samples: Vec<f64> = self.samples(name).map(|(_, value)| value).collect();
        (!samples.is_empty()).then(|| samples.iter().sum())
    }

    /// A histogram; without buckets where there is none.
    pub(crate) fn buckets(&self, name: &str) -> Buckets {
        let mut edges: Vec<(f64, f64)> = Vec::new();
        for (labels, count) in self.samples(&format!("{name}_bucket")) {
            let Some(edge) = label(labels, "le").and_then(|edge| edge.parse().ok()) else {
                continue;
            };
            match edges.iter_mut().find(|(known, _)| *known == edge) {
                Some((_, sum)) => *sum += count,
                None => edges.push((edge, count)),
            }
        }
        edges.sort_by(|one, other| one.0.total_cmp(&other.0));
        Buckets { edges }
    }

    /// Labels and value of each sample of one metric.
    fn samples<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.text.lines().filter_map(move |line| {
            let rest = line.strip_prefix(name).filter(|rest| rest.starts_with([' ', '{']))?;
            let (labels, value) = rest.rsplit_once(' ')?;
            Some((labels, value.parse().ok()?))
        })
    }
}

impl Buckets {
    /// What was recorded since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let then = |edge: f64| {
            let known = earlier.edges.iter().find(|(other, _)| *other == edge);
            known.map_or(0.0, |(_, count)| *count)
        };
        Self { edges: self.edges.iter().map(|&(edge, count)| (edge, count - then(edge))).collect() }
    }

    /// How many samples there are.
    pub(crate) fn count(&self) -> f64 {
        self.edges.last().map_or(0.0, |(_, count)| *count)
    }

    /// The milliseconds that `share` (0..=1) of all do not exceed, as if samples lay evenly in
    /// their bucket; the last edge with a number where they lie beyond it. `None` without samples.
    pub(crate) fn percentile_ms(&self, share: f64) -> Option<f64> {
        let wanted = share * self.count();
        let at = self.edges.iter().position(|(_, count)| *count >= wanted && *count > 0.0)?;
        let (low, below) = at.checked_sub(1).map_or((0.0, 0.0), |before| self.edges[before]);
        let (high, upto) = self.edges[at];
        if high.is_infinite() {
            return Some(low * 1e3);
        }
        let part = if upto > below { (wanted - below) / (upto - below) } else { 1.0 };
        Some((low + (high - low) * part) * 1e3)
    }
}

/// The value of a label in `{one="…",other="…"}`. Values with quotes in them are not expected.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let inside = labels.trim_start_matches('{').trim_end_matches('}');
    inside.split(',').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then(|| value.trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_summed_over_its_labels() {
        let text =
            "# TYPE writes counter\nwrites{worker=\"0\"} 3\nwrites{worker=\"1\"} 4\nwrites_b 9\n";
        let metrics = Metrics::new(text.into());
        assert_eq!(metrics.sum("writes"), Some(7.0));
        assert_eq!(metrics.sum("writ"), None);
    }

    fn commits(counts: [u32; 4]) -> Buckets {
        let [first, second, third, all] = counts;
        let text = format!(
            "commit_seconds_bucket{{le=\"0.001\"}} {first}\ncommit_seconds_bucket{{le=\"0.002\"}} \
             {second}\ncommit_seconds_bucket{{le=\"0.01\"}} {third}\n\
             commit_seconds_bucket{{le=\"+Inf\"}} {all}\ncommit_seconds_sum 3\n\
             commit_seconds_count {all}\n"
        );
        Metrics::new(text).buckets("commit_seconds")
    }

    #[test]
    fn a_percentile_lies_evenly_within_its_bucket() {
        let buckets = commits([50, 90, 99, 100]);
        assert_eq!(buckets.percentile_ms(0.25), Some(0.5));
        assert_eq!(buckets.percentile_ms(0.5), Some(1.0));
        assert_eq!(buckets.percentile_ms(0.7), Some(1.5));
        assert_eq!(buckets.percentile_ms(0.99), Some(10.0));
        assert_eq!(buckets.percentile_ms(1.0), Some(10.0), "beyond the last number");
    }

    #[test]
    fn only_what_came_since_counts() {
        let since = commits([50, 90, 99, 100]).since(&commits([50, 50, 50, 50]));
        assert_eq!(since, commits([0, 40, 49, 50]));
        let p50 = since.percentile_ms(0.5).expect("samples");
        assert!((p50 - 1.625).abs() < 1e-9, "{p50}");
        assert_eq!(commits([1, 1, 1, 1]).since(&Buckets::default()).count() as u32, 1);
    }

    #[test]
    fn nothing_recorded_has_no_percentile() {
        assert_eq!(Metrics::new(String::new()).buckets("x").percentile_ms(0.5), None);
        assert_eq!(commits([0; 4]).percentile_ms(0.99), None);
    }

    #[test]
    fn buckets_of_several_labels_add_up_in_order() {
        let text = "x_bucket{route=\"a\",le=\"10\"} 1\nx_bucket{route=\"a\",le=\"2.5\"} 1\n\
                    x_bucket{route=\"b\",le=\"2.5\"} 2\nx_bucket{route=\"b\",le=\"10\"} 5\n";
        let buckets = Metrics::new(text.into()).buckets("x");
        assert_eq!(buckets.edges, [(2.5, 3.0), (10.0, 6.0)]);
    }
}
