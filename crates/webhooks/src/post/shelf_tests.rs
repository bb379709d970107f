use super::*;

const LIMITS: Limits = Limits { per_endpoint: 3, in_all: 5, idle: Duration::from_secs(60) };

fn endpoint(name: &str) -> EndpointId {
    format!("ep_{name}").parse().unwrap()
}

fn origin(host: &str) -> Origin {
    Origin { is_tls: true, host: host.into(), port: 443 }
}

/// A shelf of numbers.
struct Numbers {
    shelf: Shelf<u32>,
    start: Instant,
    old: Vec<u32>,
}

impl Numbers {
    fn new() -> Self {
        Self { shelf: Shelf::new(LIMITS), start: Instant::now(), old: Vec::new() }
    }

    fn put(&mut self, at_s: u64, name: &str, number: u32) -> Option<u32> {
        let now = self.start + Duration::from_secs(at_s);
        self.shelf.put(now, &endpoint(name), origin("a"), number)
    }

    fn take(&mut self, at_s: u64, name: &str) -> Option<u32> {
        self.take_for(at_s, name, "a")
    }

    fn take_for(&mut self, at_s: u64, name: &str, host: &str) -> Option<u32> {
        let now = self.start + Duration::from_secs(at_s);
        self.shelf.take(now, &endpoint(name), &origin(host), &mut self.old)
    }

    fn assert_empty(&self) {
        assert!(self.shelf.is_empty());
        assert!(self.shelf.numbers.is_empty());
    }
}

#[test]
fn the_last_one_is_taken_first_and_only_by_its_endpoint() {
    let mut numbers = Numbers::new();
    for number in [1, 2, 3] {
        assert_eq!(numbers.put(0, "a", number), None);
    }
    assert_eq!(numbers.take(0, "b"), None);
    let taken: Vec<_> = std::iter::from_fn(|| numbers.take(0, "a")).collect();
    assert_eq!(taken, [3, 2, 1]);
    numbers.assert_empty();
}

#[test]
fn too_many_of_an_endpoint_put_out_its_oldest() {
    let mut numbers = Numbers::new();
    let put: Vec<_> = (1..=5).map(|number| numbers.put(0, "a", number)).collect();
    assert_eq!(put, [None, None, None, Some(1), Some(2)]);
}

#[test]
fn too_many_in_all_put_out_the_oldest_of_all() {
    let mut numbers = Numbers::new();
    for (name, number) in [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("d", 5)] {
        assert_eq!(numbers.put(0, name, number), None);
    }
    assert_eq!(numbers.put(0, "e", 6), Some(1));
    assert_eq!(numbers.put(0, "f", 7), Some(2));
    assert_eq!(numbers.take(0, "a"), Some(3));
    assert_eq!(numbers.take(0, "b"), None);
}

#[test]
fn what_has_lain_for_too_long_is_not_taken() {
    let mut numbers = Numbers::new();
    numbers.put(0, "a", 1);
    numbers.put(1, "a", 2);
    assert_eq!(numbers.take(60, "a"), Some(2));
    assert_eq!(numbers.take(60, "a"), None);
    assert_eq!(numbers.old, [1]);
    numbers.assert_empty();
}

#[test]
fn what_was_made_for_another_origin_is_not_taken() {
    let mut numbers = Numbers::new();
    numbers.put(0, "a", 1);
    assert_eq!(numbers.take_for(0, "a", "b"), None);
    assert_eq!(numbers.old, [1]);
    numbers.assert_empty();
}

#[test]
fn old_ones_go_and_young_ones_stay() {
    let mut numbers = Numbers::new();
    numbers.put(0, "a", 1);
    numbers.put(10, "b", 2);
    numbers.put(11, "a", 3);
    let at = |s| numbers.start + Duration::from_secs(s);
    let (first, then) = (at(70), at(71));
    assert_eq!(numbers.shelf.take_old(first), [1, 2]);
    assert_eq!(numbers.shelf.take_old(then), [3]);
    numbers.assert_empty();
}

#[test]
fn an_endpoint_can_be_forgotten() {
    let mut numbers = Numbers::new();
    for (name, number) in [("a", 1), ("b", 2), ("a", 3)] {
        numbers.put(0, name, number);
    }
    assert_eq!(numbers.shelf.take_all(&endpoint("a")), [1, 3]);
    assert!(numbers.shelf.take_all(&endpoint("a")).is_empty());
    assert_eq!(numbers.take(0, "b"), Some(2));
    numbers.assert_empty();
}
