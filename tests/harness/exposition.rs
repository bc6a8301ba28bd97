//! Reads what `/metrics` says, strictly: the text form of `OpenMetrics` 1.0.

use std::collections::{BTreeMap, BTreeSet};

/// Labels of a sample, by name.
pub type Labels = BTreeMap<String, String>;

/// One number.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The whole name, with its suffix.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// The number.
    pub value: f64,
}

/// What belongs together under one name.
#[derive(Debug, Clone, Default)]
pub struct Family {
    /// `counter`, `gauge`, `histogram` or `info`.
    pub kind: String,
    /// The unit, which the name ends with; empty where there is none.
    pub unit: String,
    /// What it is, in words.
    pub help: String,
    /// Its samples, in order.
    pub samples: Vec<Sample>,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Exposition {
    /// By name.
    pub families: BTreeMap<String, Family>,
}

impl Exposition {
    /// Reads a whole exposition.
    ///
    /// # Panics
    /// At the first line that is not as the specification has it, with that line.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF and a line break");
        let mut families = BTreeMap::<String, Family>::new();
        let mut current = String::new();
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# ") {
                let [what, name, told] = rest.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
                assert!(is_name(name), "{line}");
                if current != name {
                    assert!(!families.contains_key(name), "the family comes twice: {line}");
                    name.clone_into(&mut current);
                }
                let family = families.entry(current.clone()).or_default();
                assert!(family.samples.is_empty(), "after its samples: {line}");
                let place = match what {
                    "HELP" => &mut family.help,
                    "TYPE" => &mut family.kind,
                    "UNIT" => &mut family.unit,
                    _ => panic!("{line}"),
                };
                assert!(place.is_empty() && !told.is_empty(), "{line}");
                told.clone_into(place);
            } else {
                let sample = sample(line);
                let family = families.get_mut(&current).unwrap_or_else(|| panic!("of no family: {line}"));
                let suffix = sample.name.strip_prefix(&current).unwrap_or_else(|| panic!("of another family: {line}"));
                assert!(suffixes(&family.kind).contains(&suffix), "{line}");
                family.samples.push(sample);
            }
        }
        for (name, family) in &families {
            family.check(name);
        }
        Self { families }
    }

    /// The sum of all samples of this name that have all of these labels; `None`: there is none.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let samples = self.families.values().flat_map(|family| &family.samples);
        let has =
            |sample: &&Sample| labels.iter().all(|(name, value)| sample.labels.get(*name).is_some_and(|v| v == value));
        let values: Vec<_> = samples.filter(|s| s.name == name).filter(has).map(|sample| sample.value).collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    /// The names of all families as queries have them: a counter's and an info's with their suffix.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        let named = self.families.iter().map(|(name, family)| match family.kind.as_str() {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.clone(),
        });
        named.collect()
    }
}

impl Family {
    fn check(&self, name: &str) {
        assert!(!self.kind.is_empty() && !self.help.is_empty(), "{name} lacks its type or help");
        assert!(self.unit.is_empty() || name.ends_with(&format!("_{}", self.unit)), "{name}: {}", self.unit);
        let mut seen = BTreeSet::new();
        for sample in &self.samples {
            assert!(seen.insert((&sample.name, &sample.labels)), "twice: {sample:?}");
            let counts = self.kind != "gauge";
            assert!(sample.value.is_finite() && !(counts && sample.value < 0.0), "{sample:?}");
        }
        if self.kind == "histogram" {
            self.check_histogram(name);
        }
    }

    /// Every series has ascending buckets that count up to all of it.
    fn check_histogram(&self, name: &str) {
        let mut series = BTreeMap::<Labels, Vec<(f64, f64)>>::new();
        for sample in self.samples.iter().filter(|sample| sample.name.ends_with("_bucket")) {
            let mut labels = sample.labels.clone();
            let bound = labels.remove("le").expect("a bucket has a bound");
            series.entry(labels).or_default().push((number(&bound).expect("a number"), sample.value));
        }
        let count = |suffix: &str, labels: &Labels| {
            let named = |sample: &&Sample| sample.name == format!("{name}{suffix}") && sample.labels == *labels;
            self.samples.iter().find(named).unwrap_or_else(|| panic!("{name}{suffix} is missing for {labels:?}")).value
        };
        assert!(!series.is_empty() || self.samples.is_empty(), "{name} has no buckets");
        for (labels, buckets) in series {
            let ascending = buckets.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1);
            assert!(ascending, "{name}: {buckets:?}");
            let last = buckets.last().expect("at least one");
            assert!(last.0.is_infinite() && close(last.1, count("_count", &labels)), "{name}: {buckets:?}");
            assert!(count("_sum", &labels) >= 0.0, "{name}");
        }
    }
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

fn suffixes(kind: &str) -> &'static [&'static str] {
    match kind {
        "counter" => &["_total"],
        "gauge" => &[""],
        "histogram" => &["_sum", "_count", "_bucket"],
        "info" => &["_info"],
        _ => panic!("a family of type {kind:?}"),
    }
}

fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    !name.is_empty() && name.chars().all(good) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn number(text: &str) -> Option<f64> {
    if text == "+Inf" { Some(f64::INFINITY) } else { text.parse().ok() }
}

/// `name{label="value",...} number`
fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("{line}"));
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, value) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            let (value, after) = unescaped(value).unwrap_or_else(|| panic!("{line}"));
            assert!(is_name(label) && labels.insert(label.to_owned(), value).is_none(), "{line}");
            rest = after.strip_prefix(',').unwrap_or(after);
            assert!(rest.starts_with('}') || after.starts_with(','), "{line}");
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').and_then(number).unwrap_or_else(|| panic!("no number: {line}"));
    Sample { name: name.to_owned(), labels, value }
}

/// A label's value up to its closing quote, and what comes after it.
fn unescaped(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                c @ ('"' | '\\') => value.push(c),
                _ => return None,
            },
            c => value.push(c),
        }
    }
    None
}
