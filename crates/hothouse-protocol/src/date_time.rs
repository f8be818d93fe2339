//! Date-times of the protocol: `2026-11-22T01:02:03.004Z`, always UTC, as text.
//!
//! The text is kept as given, with all its fraction digits. There is no clock here.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

const MS_PER_DAY: i64 = 86_400_000;
/// Days from 0000-01-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_528;
/// Days in any 400 years of the Gregorian calendar.
const DAYS_PER_400_YEARS: i64 = 146_097;
/// The first and last instants that four digits of a year can say.
const EARLIEST_MS: i64 = -DAYS_BEFORE_1970 * MS_PER_DAY;
const LATEST_MS: i64 = (25 * DAYS_PER_400_YEARS - DAYS_BEFORE_1970) * MS_PER_DAY - 1;

/// A date-time that obeys the protocol: `YYYY-MM-DDTHH:MM:SS[.digits]Z`, a day that exists, no leap second.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DateTime(String);

impl DateTime {
    /// The moment `ms` milliseconds after 1970-01-01T00:00:00Z, with three digits of fraction.
    ///
    /// A moment outside the years 0000 to 9999, which the format cannot say, becomes the nearest one inside.
    #[must_use]
    pub fn from_unix_ms(ms: i64) -> Self {
        let ms = ms.clamp(EARLIEST_MS, LATEST_MS);
        let (year, month, day) = calendar_date(ms.div_euclid(MS_PER_DAY) + DAYS_BEFORE_1970);
        let in_day = ms.rem_euclid(MS_PER_DAY);
        let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
        let (second, fraction) = (in_day / 1000 % 60, in_day % 1000);
        Self(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z"))
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Milliseconds since 1970-01-01T00:00:00Z; what the fraction says beyond three digits is left out.
    #[must_use]
    pub fn unix_ms(&self) -> i64 {
        let number = |digits: &str| digits.bytes().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        let part = |from: usize, to: usize| number(&self.0[from..to]);
        let fraction = self.0[19..].bytes().skip(1).take_while(u8::is_ascii_digit).chain([b'0'; 3]).take(3);
        let fraction = fraction.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        let days = days_before(part(0, 4), part(5, 7), part(8, 10)) - DAYS_BEFORE_1970;
        days * MS_PER_DAY + part(11, 13) * 3_600_000 + part(14, 16) * 60_000 + part(17, 19) * 1000 + fraction
    }

    /// Checks that `text` is a date-time of the protocol.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(text: &str) -> Result<(), DateTimeFault> {
        check(text.as_bytes())
    }
}

impl FromStr for DateTime {
    type Err = DateTimeFault;

    fn from_str(text: &str) -> Result<Self, DateTimeFault> {
        Self::check(text)?;
        Ok(Self(text.into()))
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why text is not a date-time of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateTimeFault {
    /// Not of the form `YYYY-MM-DDTHH:MM:SS[.digits]Z`.
    Form,
    /// Right so far, but it does not end in a capital `Z` after the seconds: an offset, a local time, a
    /// space.
    NotUtc,
    /// There is no such day.
    Day,
    /// There is no such time of day.
    Time,
}

impl fmt::Display for DateTimeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "it is not of the form YYYY-MM-DDTHH:MM:SS[.digits]Z",
            Self::NotUtc => "only UTC is allowed, with a capital Z right after the seconds",
            Self::Day => "there is no such day",
            Self::Time => "there is no such time of day (hours 00 to 23, minutes and seconds 00 to 59)",
        })
    }
}

impl core::error::Error for DateTimeFault {}

fn check(text: &[u8]) -> Result<(), DateTimeFault> {
    const FORM: &[u8; 19] = b"dddd-dd-ddTdd:dd:dd";
    let Some((moment, tail)) = text.split_at_checked(FORM.len()) else { return Err(DateTimeFault::Form) };
    let fits = |(byte, form): (&u8, &u8)| if *form == b'd' { byte.is_ascii_digit() } else { byte == form };
    if !moment.iter().zip(FORM).all(fits) {
        return Err(DateTimeFault::Form);
    }
    let number = |digits: &[u8]| digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let (year, month, day) = (number(&moment[0..4]), number(&moment[5..7]), number(&moment[8..10]));
    if day < 1 || day > days_in_month(year, month) {
        return Err(DateTimeFault::Day);
    }
    if number(&moment[11..13]) > 23 || number(&moment[14..16]) > 59 || number(&moment[17..19]) > 59 {
        return Err(DateTimeFault::Time);
    }
    check_tail(tail)
}

/// What follows the seconds: `Z`, or a fraction and `Z`.
fn check_tail(tail: &[u8]) -> Result<(), DateTimeFault> {
    let Some(fraction) = tail.strip_prefix(b".") else {
        return if tail == b"Z" { Ok(()) } else { Err(DateTimeFault::NotUtc) };
    };
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match &fraction[digits..] {
        b"Z" if digits > 0 => Ok(()),
        _ if digits == 0 => Err(DateTimeFault::Form),
        _ => Err(DateTimeFault::NotUtc),
    }
}

/// How many days the month has; none if there is no such month.
fn days_in_month(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 0,
    }
}

/// The number of days from 0000-01-01 to that day: the inverse of [`calendar_date`].
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month_from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let in_year = (153 * month_from_march + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + in_year + 60
}

/// Year, month and day that lie `days` after 0000-01-01.
///
/// Counts years from March, so that the leap day ends a year and month lengths follow one pattern.
fn calendar_date(days: i64) -> (i64, i64, i64) {
    // January and February of year 0000 belong to the year before; 60 days in, its first of March begins year
    // 0.
    let since_march = days - 60;
    let (cycle, in_cycle) =
        (since_march.div_euclid(DAYS_PER_400_YEARS), since_march.rem_euclid(DAYS_PER_400_YEARS));
    // Takes the leap days out: one in 1461 days, but not the last of a century, but the last of the cycle.
    let in_years = in_cycle - in_cycle / 1460 + in_cycle / 36_524 - in_cycle / 146_096;
    let year_of_cycle = in_years / 365;
    let in_year = in_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    // Five months from March on have 153 days, as have the next five.
    let month_from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (cycle * 400 + year_of_cycle + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn what_is_a_date_time() {
        let good = [
            "2026-11-22T01:02:03Z",
            "2026-11-22T01:02:03.0Z",
            "2026-11-22T23:59:59.1111111111111111111111111111111111111111Z",
            "0000-02-29T00:00:00Z",
            "2000-02-29T00:00:00Z",
            "9999-12-31T23:59:59.999Z",
        ];
        for text in good {
            assert_eq!(DateTime::check(text), Ok(()), "{text}");
            assert_eq!(text.parse::<DateTime>().map(|t| t.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_not() {
        use DateTimeFault::{Day, Form, NotUtc, Time};
        let bad = [
            ("", Form),
            ("2026-11-22", Form),
            ("2026-11-22T01:02Z", Form),
            ("2026-11-22t01:02:03Z", Form),
            ("2026-11-22 01:02:03Z", Form),
            ("26-11-22T01:02:03Z", Form),
            ("+2026-11-22T01:02:03Z", Form),
            ("２026-11-22T01:02:03Z", Form),
            (" 2026-11-22T01:02:03Z", Form),
            ("2026-11-22T01:02:03.Z", Form),
            ("2026-11-22T01:02:03", NotUtc),
            ("2026-11-22T01:02:03z", NotUtc),
            ("2026-11-22T01:02:03Z\n", NotUtc),
            ("2026-11-22T01:02:03+00:00", NotUtc),
            ("2026-11-22T01:02:03.5+00:00", NotUtc),
            ("2026-11-22T01:02:03,5Z", NotUtc),
            ("2026-00-01T01:02:03Z", Day),
            ("2026-13-01T01:02:03Z", Day),
            ("2026-04-31T01:02:03Z", Day),
            ("2026-01-00T01:02:03Z", Day),
            ("2026-02-29T01:02:03Z", Day),
            ("1900-02-29T01:02:03Z", Day),
            ("2026-11-22T24:00:00Z", Time),
            ("2026-11-22T01:60:00Z", Time),
            ("2026-11-22T23:59:60Z", Time),
        ];
        for (text, fault) in bad {
            assert_eq!(DateTime::check(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn known_moments() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_000_000_000_000, "2001-09-09T01:46:40.000Z"),
            (1_795_309_323_004, "2026-11-22T01:02:03.004Z"),
            (-2_203_891_200_001, "1900-02-28T23:59:59.999Z"),
            (EARLIEST_MS, "0000-01-01T00:00:00.000Z"),
            (LATEST_MS, "9999-12-31T23:59:59.999Z"),
            (i64::MIN, "0000-01-01T00:00:00.000Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
        ];
        for (ms, expected) in table {
            let moment = DateTime::from_unix_ms(ms);
            assert_eq!(moment.as_str(), expected);
            assert_eq!(moment.unix_ms(), ms.clamp(EARLIEST_MS, LATEST_MS));
        }
        for (text, ms) in
            [("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:01.5Z", 1500), ("1970-01-01T00:00:00.0019Z", 1)]
        {
            assert_eq!(text.parse::<DateTime>().map(|moment| moment.unix_ms()), Ok(ms));
        }
    }

    #[test]
    fn every_day_of_ten_thousand_years_follows_the_one_before() {
        let mut days = 0;
        for year in 0..10_000 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    assert_eq!(calendar_date(days), (year.into(), month.into(), day.into()));
                    assert_eq!(days_before(year.into(), month.into(), day.into()), days);
                    days += 1;
                }
            }
        }
        assert_eq!(days, 25 * DAYS_PER_400_YEARS);
    }
}
