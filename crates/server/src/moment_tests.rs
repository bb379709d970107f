//! What is a point in time, what is none, and how they are written.

use super::*;

fn when(text: &str) -> Option<When> {
    text.parse().ok()
}

#[test]
fn what_is_printed_is_read_again() {
    for ms in [0, 951_782_400_001, 1_353_088_179_999, 4_107_542_400_000, END_MS - 1] {
        assert_eq!(Moment(ms).to_string().parse(), Ok(Moment(ms)), "{}", Moment(ms));
    }
    assert_eq!(Moment(951_782_400_001).to_string(), "2000-02-29T00:00:00.001Z");
    assert_eq!(Moment(END_MS - 1).to_string(), "9999-12-31T23:59:59.999Z");
    assert_eq!(Moment(u64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
}

#[test]
fn every_day_is_read_as_it_is_printed() {
    for day in (0..60_000).step_by(13) {
        let ms = day * DAY_MS + 45_296_789;
        assert_eq!(when(&Moment(ms).to_string()), Some(When::At(ms)));
    }
}

#[test]
fn every_form_of_a_moment_is_read() {
    let same = 1_353_088_179_500;
    for text in [
        "1353088179500",
        "2012-11-16T17:49:39.5Z",
        "2012-11-16t17:49:39.5009z",
        "2012-11-16T17:49:39.500999999999Z",
        "2012-11-16T18:49:39.500+01:00",
        "2012-11-16T12:19:39.500-05:30",
    ] {
        assert_eq!(text.parse(), Ok(Moment(same)), "{text}");
    }
}

#[test]
fn people_may_write_a_space_for_the_t() {
    for (text, ms) in [
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29T00:00:00Z", 951_782_400_000),
        ("2012-11-16T17:49:39.999Z", 1_353_088_179_999),
        ("2012-11-16 18:49:39.9996+01:00", 1_353_088_179_999),
        ("2012-11-16t12:19:39.9-05:30", 1_353_088_179_900),
        ("2016-12-31T23:59:60Z", 1_483_228_799_000),
        ("2100-03-01T00:00:00z", 4_107_542_400_000),
    ] {
        assert_eq!(when(text), Some(When::At(ms)), "{text}");
    }
    assert_eq!("2012-11-16 17:49:39Z".parse::<Moment>(), Err(NoMoment));
}

#[test]
fn what_is_no_point_in_time_is_refused_by_programs_and_people() {
    for text in [
        "",
        "yesterday",
        "-5",
        "2012-11-16",
        "2012-11-16T17:49:39",
        "2012-11-16T17:49:39.Z",
        "2012-11-16T17:49:39,5Z",
        "2012-11-16T17:49:39.5",
        "2012-11-16T17:49Z",
        "20121116T174939Z",
        "2011-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2012-11-31T00:00:00Z",
        "2012-13-01T00:00:00Z",
        "2012-13-16T17:49:39Z",
        "2012-00-01T00:00:00Z",
        "2012-01-00T00:00:00Z",
        "2012-01-01T24:00:00Z",
        "2012-11-16T24:00:00Z",
        "2012-01-01T00:00:00.Z",
        "2012-01-01T00:00:00+1:00",
        "2012-01-01T00:00:00+01",
        "2012-01-01T00:00:00+0100",
        "2012-01-01T00:00:00+24:00",
        "2012-01-01T00:00:00+01:60",
        "2012-01-01T00:00:00Z[UTC]",
        "2012-11-16T17:49:39+1:00",
        "2012-11-16T17:49:39ü",
        "+012-11-16T17:49:39Z",
        "+002012-11-16T17:49:39Z",
        "1969-12-31T23:59:59Z",
        "1969-12-31T23:59:59.9999Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "99999999999999999999",
        "253402300800000",
    ] {
        assert_eq!(text.parse::<Moment>(), Err(NoMoment), "{text}");
        assert_eq!(when(text), None, "{text}");
    }
}

#[test]
fn a_field_may_be_a_text_or_a_number() {
    assert_eq!(serde_json::from_str::<Moment>("5").unwrap(), Moment(5));
    assert_eq!(serde_json::from_str::<Moment>("\"1970-01-01T00:00:01Z\"").unwrap(), Moment(1000));
    for bad in ["\"soon\"", "true", "-1", "1.5", "null"] {
        let error = serde_json::from_str::<Moment>(bad).unwrap_err().to_string();
        assert!(error.starts_with("expected a time like"), "{bad}: {error}");
    }
}

#[test]
fn a_span_has_a_number_and_a_unit() {
    for (text, ms) in
        [("500ms", 500), ("2s", 2_000), ("30m", 1_800_000), ("1h", 3_600_000), ("2d", 2 * DAY_MS)]
    {
        assert_eq!(span_ms(text), Some(ms), "{text}");
        assert_eq!(when(text).map(|when| when.ms(10 * DAY_MS)), Some(10 * DAY_MS - ms));
    }
    for no_span in ["", "1", "h", "-1h", "1.5h", "1w", "1 h", "99999999999999999999d"] {
        assert_eq!(span_ms(no_span), None, "{no_span}");
    }
    assert_eq!(When::Ago(5).ms(3), 0);
}

#[test]
fn spans_are_short() {
    let spans = [999, 1_250, 61_000, 7_200_000, 3 * DAY_MS].map(span);
    assert_eq!(spans, ["999 ms", "1.2 s", "1 min", "2 h", "3 d"]);
}

#[test]
fn dates_are_those_of_the_calendar() {
    assert_eq!(date(0), "1970-01-01T00:00:00Z");
    assert_eq!(date(951_782_400_000), "2000-02-29T00:00:00Z");
    assert_eq!(date(1_353_088_179_999), "2012-11-16T17:49:39Z");
    assert_eq!(date(4_107_542_399_000), "2100-02-28T23:59:59Z");
    assert_eq!(date(4_107_542_400_000), "2100-03-01T00:00:00Z");
    assert_eq!(clock(1_353_088_179_999), "17:49:39Z");
}
