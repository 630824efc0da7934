//! Ranges of versions that are revoked.

use std::fmt;
use std::str::FromStr;

use semver::Version;

/// Comparisons that must all hold, as in `>=1.0.0, <1.2.3`.
///
/// Not the requirement of `semver`: that one leaves pre-releases out unless they are named, and a
/// revocation must reach `1.2.0-rc.1` as well.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct VersionRange(Vec<(Comparison, Version)>);

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Comparison {
    AtLeast,
    AtMost,
    Above,
    Below,
    Equal,
}

impl Comparison {
    /// The longer signs first, so that `>=` is not read as `>`.
    const ALL: [(&'static str, Self); 5] = [
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        (">", Self::Above),
        ("<", Self::Below),
        ("=", Self::Equal),
    ];

    fn holds(self, version: &Version, bound: &Version) -> bool {
        match self {
            Self::AtLeast => version >= bound,
            Self::AtMost => version <= bound,
            Self::Above => version > bound,
            Self::Below => version < bound,
            Self::Equal => version == bound,
        }
    }
}

impl VersionRange {
    /// Whether a version is in the range.
    pub fn contains(&self, version: &Version) -> bool {
        self.0.iter().all(|(comparison, bound)| comparison.holds(version, bound))
    }
}

impl FromStr for VersionRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let comparison = |part: &str| {
            let part = part.trim();
            let signs = Comparison::ALL.into_iter();
            let mut found = signs.filter_map(|(sign, it)| Some((it, part.strip_prefix(sign)?)));
            let (comparison, version) = found.next()?;
            Some((comparison, Version::parse(version.trim()).ok()?))
        };
        let parts = text.split(',').map(comparison).collect::<Option<_>>();
        parts.map(Self).ok_or(RangeError)
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (comparison, version)) in self.0.iter().enumerate() {
            let sign = Comparison::ALL.iter().find(|(_, it)| it == comparison);
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{}{version}", sign.map_or("", |(sign, _)| sign))?;
        }
        Ok(())
    }
}

/// A text is no range of versions.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not comparisons with whole versions, as in `>=1.0.0, <1.2.3`")]
pub struct RangeError;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, version: &str, expected: bool) {
        let range: VersionRange = range.parse().unwrap();
        assert_eq!(range.contains(&version.parse().unwrap()), expected, "{range} {version}");
    }

    #[test]
    fn ranges_reach_pre_releases() {
        check(">=1.0.0, <1.2.0", "1.0.0", true);
        check(">=1.0.0, <1.2.0", "1.2.0-rc.1", true);
        check(">=1.0.0, <1.2.0", "1.2.0", false);
        check(">1.0.0,<=1.2.0", "1.2.0", true);
        check("=1.2.0", "1.2.0-rc.1", false);
    }

    #[test]
    fn ranges_are_written_as_they_were_read() {
        assert_eq!(
            " >= 1.0.0 , <2.0.0".parse::<VersionRange>().unwrap().to_string(),
            ">=1.0.0, <2.0.0"
        );
        for text in ["", "1.0.0", "^1.0.0", ">=1", ">=1.0.0,", "*"] {
            assert_eq!(text.parse::<VersionRange>(), Err(RangeError), "{text}");
        }
    }
}
