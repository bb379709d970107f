//! What is a moment and what is none.

use super::*;

#[test]
fn what_is_printed_is_read_again() {
    for ms in [0, 951_782_400_001, 1_353_088_179_999, 4_107_542_400_000, END_MS - 1] {
        assert_eq!(Moment(ms).to_string().parse(), Ok(Moment(ms)), "{}", Moment(ms));
    }
    assert_eq!(Moment(951_782_400_001).to_string(), "2000-02-29T00:00:00.001Z");
    assert_eq!(Moment(END_MS - 1).to_string(), "9999-12-31T23:59:59.999Z");
}

#[test]
fn every_form_of_a_moment_is_read() {
    let same = 1_353_088_179_500;
    for text in [
        "1353088179500",
        "2012-11-16T17:49:39.5Z",
        "2012-11-16t17:49:39.5009z",
        "2012-11-16T18:49:39.500+01:00",
        "2012-11-16T12:19:39.500-05:30",
    ] {
        assert_eq!(text.parse(), Ok(Moment(same)), "{text}");
    }
}

#[test]
fn what_is_no_moment_is_refused() {
    for text in [
        "",
        "yesterday",
        "-5",
        "2012-11-16",
        "2012-11-16T17:49:39",
        "2012-11-16T17:49Z",
        "2012-11-16 17:49:39Z",
        "2011-02-29T00:00:00Z",
        "2012-13-01T00:00:00Z",
        "2012-00-01T00:00:00Z",
        "2012-01-00T00:00:00Z",
        "2012-01-01T24:00:00Z",
        "2012-01-01T00:00:00.Z",
        "2012-01-01T00:00:00+1:00",
        "2012-01-01T00:00:00+01",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "99999999999999999999",
        "253402300800000",
    ] {
        assert_eq!(text.parse::<Moment>(), Err(NoMoment), "{text}");
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
