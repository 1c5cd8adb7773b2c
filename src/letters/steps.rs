//! Growing steps of a replay, such as `1,10,100,all`. Pure.

use std::fmt;
use std::str::FromStr;

/// Sizes of steps; after the last one comes the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps(Vec<usize>);

/// A text that names no steps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("steps are numbers from 1, with `all` last, such as 1,10,100,all")]
pub struct InvalidSteps;

impl Steps {
    /// How many letters are to be done when the step under way ends, given how many are done, of
    /// `total`.
    pub fn target(&self, done: usize, total: usize) -> usize {
        let mut end = 0_usize;
        for size in &self.0 {
            end = end.saturating_add(*size);
            if done < end {
                return end.min(total);
            }
        }
        total
    }
}

impl FromStr for Steps {
    type Err = InvalidSteps;

    fn from_str(text: &str) -> Result<Self, InvalidSteps> {
        let mut sizes = Vec::new();
        let mut parts = text.split(',').map(str::trim).peekable();
        while let Some(part) = parts.next() {
            if part == "all" && parts.peek().is_none() {
                return Ok(Self(sizes));
            }
            sizes.push(part.parse().ok().filter(|size| *size > 0).ok_or(InvalidSteps)?);
        }
        Ok(Self(sizes))
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|size| write!(f, "{size},"))?;
        f.write_str("all")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_grow_until_the_rest() {
        let steps: Steps = "1, 10,all".parse().unwrap();
        assert_eq!(steps.to_string(), "1,10,all");
        let targets: Vec<usize> = [0, 1, 10, 11].map(|done| steps.target(done, 500)).into();
        assert_eq!(targets, [1, 11, 11, 500]);
        assert_eq!((steps.target(0, 0), steps.target(1, 5)), (0, 5));
    }

    #[test]
    fn what_are_no_steps_is_refused() {
        for text in ["", "0", "all,1", "x", "1,,2"] {
            assert_eq!(text.parse::<Steps>(), Err(InvalidSteps), "{text}");
        }
    }
}
