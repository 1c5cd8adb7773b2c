//! Dates and times as XML Schema writes them.
//!
//! A time without an offset is read as Norwegian: the land register is Norwegian, and so are those
//! who copy from it. The rules of Norwegian time are compiled in (jiff's `static` feature), so that a
//! message means the same wherever innfri runs. In the hour that summer time takes away, and in the
//! one that it gives twice, such a time is no one moment, and refused.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{self, Offset, TimeZone};

static NORWAY: TimeZone = tz::get!("Europe/Oslo");

/// Why a text is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WrongTime {
    /// Not the form of `xs:dateTime`, or a day or hour that no calendar has.
    Form,
    /// Without an offset, and no moment or two in Norway.
    NotOneMoment,
}

/// A day (`xs:date`). The XSD allows an offset after it: one that Norway or the sea of UTC has names
/// the same day and is passed over, any other is refused.
pub(super) fn read_date(text: &str) -> Option<Date> {
    let (day, offset) = text.split_at_checked(10)?;
    matches!(offset, "" | "Z" | "+00:00" | "-00:00" | "+01:00" | "+02:00")
        .then(|| civil_date(day))?
}

/// A moment (`xs:dateTime`), with an offset or in Norwegian time.
pub(super) fn read_instant(text: &str) -> Result<Timestamp, WrongTime> {
    let (day, rest) = text.split_once('T').ok_or(WrongTime::Form)?;
    let day = civil_date(day).ok_or(WrongTime::Form)?;
    let (clock, offset) = split_offset(rest);
    let at = clock_of(day, clock).ok_or(WrongTime::Form)?;
    if offset.is_empty() {
        let zoned = NORWAY.to_ambiguous_timestamp(at);
        return zoned.unambiguous().map_err(|_| WrongTime::NotOneMoment);
    }
    let offset = offset_of(offset).ok_or(WrongTime::Form)?;
    offset.to_timestamp(at).map_err(|_| WrongTime::Form)
}

/// A moment as our JSON has it, in UTC for `xs:dateTime`; `None` outside the years 1 to 9999.
pub(super) fn write_instant(text: &str) -> Option<String> {
    let instant: Timestamp = text.parse().ok()?;
    (instant >= first_moment()?).then(|| instant.to_string())
}

fn first_moment() -> Option<Timestamp> {
    Offset::UTC.to_timestamp(DateTime::constant(1, 1, 1, 0, 0, 0, 0)).ok()
}

/// `YYYY-MM-DD`, in the years 1 to 9999.
fn civil_date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (number(parts.next()?, 4)?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year == 0 {
        return None;
    }
    let (month, day) = (number(month, 2)?, number(day, 2)?);
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// The clock and what stands after it: `Z`, `+hh:mm`, `-hh:mm`, or nothing.
fn split_offset(text: &str) -> (&str, &str) {
    let end = text.find(['Z', '+', '-']).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// `hh:mm:ss` with a fraction, on a day; `24:00:00` is where the next day begins.
fn clock_of(day: Date, text: &str) -> Option<DateTime> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, nanoseconds(fraction)?),
        None => (text, 0),
    };
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 2)?;
    let minute = number(parts.next()?, 2)?;
    let second = number(parts.next()?, 2)?;
    if parts.next().is_some() {
        return None;
    }
    if (hour, minute, second, fraction) == (24, 0, 0, 0) {
        return Some(day.tomorrow().ok()?.at(0, 0, 0, 0));
    }
    // A leap second is none of the XSD's, nor of ours.
    let small = |number: u32| i8::try_from(number).ok();
    let time = Time::new(small(hour)?, small(minute)?, small(second)?, fraction).ok()?;
    Some(day.to_datetime(time))
}

/// A fraction of a second; digits beyond the ninth must be zeros.
fn nanoseconds(text: &str) -> Option<i32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let told = text.trim_end_matches('0');
    if told.len() > 9 {
        return None;
    }
    format!("{told:0<9}").parse().ok()
}

/// `Z`, or hours and minutes: at most fourteen hours, as the XSD says.
fn offset_of(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, clock) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = clock.split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    if minutes > 59 || hours * 60 + minutes > 14 * 60 {
        return None;
    }
    Offset::from_seconds(sign * i32::try_from(hours * 3600 + minutes * 60).ok()?).ok()
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<u32> {
    let right = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_keeps_its_place_whatever_its_offset() {
        for (text, wanted) in [
            ("2019-05-02T09:00:00Z", "2019-05-02T09:00:00Z"),
            ("2019-05-02T09:00:00+02:00", "2019-05-02T07:00:00Z"),
            ("2019-05-02T09:00:00-00:30", "2019-05-02T09:30:00Z"),
            ("2019-05-02T09:00:00.1230000000000Z", "2019-05-02T09:00:00.123Z"),
            ("2019-12-31T24:00:00Z", "2020-01-01T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(read_instant(text).unwrap().to_string(), wanted, "{text}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_norwegian() {
        for (text, wanted) in [
            ("2019-05-02T09:00:00", "2019-05-02T07:00:00Z"),
            ("2019-12-02T09:00:00", "2019-12-02T08:00:00Z"),
            // Summer time ended in September then.
            ("1990-10-10T09:00:00", "1990-10-10T08:00:00Z"),
            ("1975-07-10T09:00:00", "1975-07-10T08:00:00Z"),
        ] {
            assert_eq!(read_instant(text).unwrap().to_string(), wanted, "{text}");
        }
        for text in ["2019-03-31T02:30:00", "2019-10-27T02:30:00"] {
            assert_eq!(read_instant(text), Err(WrongTime::NotOneMoment), "{text}");
        }
    }

    #[test]
    fn what_no_calendar_has_is_refused() {
        for text in [
            "",
            "T",
            "2019-05-02",
            "2019-05-02 09:00:00",
            "2019-02-29T09:00:00Z",
            "2019-05-02T25:00:00Z",
            "2019-05-02T24:00:01Z",
            "2019-05-02T09:60:00Z",
            "2019-12-31T23:59:60Z",
            "2019-05-02T9:00:00Z",
            "2019-05-02T09:00Z",
            "2019-05-02T09:00:00.Z",
            "2019-05-02T09:00:00+2:00",
            "2019-05-02T09:00:00+0200",
            "2019-05-02T09:00:00+14:01",
            "2019-05-02T09:00:00z",
            "0000-05-02T09:00:00Z",
            "-2019-05-02T09:00:00Z",
            "12019-05-02T09:00:00Z",
            "2019-05-02T09:00:00.0000000001Z",
            "9999-12-31T23:59:59-14:00",
            "2019-05-02T09:00:00+01:00[Europe/Oslo]",
            "２０19-05-02T09:00:00Z",
        ] {
            assert_eq!(read_instant(text), Err(WrongTime::Form), "{text}");
        }
    }

    #[test]
    fn a_day_may_have_an_offset_that_is_norways() {
        for text in ["2026-06-30", "2026-06-30Z", "2026-06-30+02:00"] {
            assert_eq!(read_date(text).unwrap().to_string(), "2026-06-30", "{text}");
        }
        for text in [
            "2026-06-31",
            "2026-06-30-11:00",
            "26-06-30",
            "2026-06-30T00:00:00",
            "2026-6-30",
            "æ026-06-30",
        ] {
            assert_eq!(read_date(text), None, "{text}");
        }
    }

    #[test]
    fn moments_before_our_era_are_not_written() {
        assert_eq!(write_instant("2019-05-02T09:00:00Z").unwrap(), "2019-05-02T09:00:00Z");
        assert_eq!(write_instant("-000001-05-02T09:00:00Z"), None);
        assert_eq!(write_instant("0000-05-02T09:00:00Z"), None);
    }
}
