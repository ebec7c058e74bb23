//! [`Plan`]: which targets to fuzz, and for how long.

use crate::step::Failure;

/// Seconds for each target if nothing else is said.
const SECONDS: u32 = 60;

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) targets: Vec<String>,
    /// None: the committed inputs only.
    pub(super) seconds: Option<u32>,
}

impl Plan {
    /// Reads `[--replay | --seconds N] [TARGET...]`; no target means all of `known`.
    pub(super) fn understand(arguments: &[String], known: &[String]) -> Result<Plan, Failure> {
        let mut plan = Plan { targets: Vec::new(), seconds: Some(SECONDS) };
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            match word.as_str() {
                "--replay" => plan.seconds = None,
                "--seconds" => {
                    let number = rest.next().and_then(|number| number.parse().ok());
                    plan.seconds = Some(number.ok_or_else(|| Failure::new("`--seconds` wants a number"))?);
                }
                target if known.iter().any(|known| known == target) => plan.targets.push(word.clone()),
                _ => {
                    let message = format!("`fuzz {word}`: the targets are {}", known.join(", "));
                    return Err(Failure::new(message));
                }
            }
        }
        if plan.targets.is_empty() {
            plan.targets = known.to_vec();
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::Plan;

    fn understood(text: &str) -> Result<(Vec<String>, Option<u32>), String> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let plan = Plan::understand(&words(text), &words("apply decode path"));
        plan.map(|plan| (plan.targets, plan.seconds)).map_err(|failure| failure.to_string())
    }

    #[test]
    fn without_arguments_all_targets_run_for_a_minute() {
        let all = ["apply", "decode", "path"].map(str::to_owned).to_vec();
        assert_eq!(understood(""), Ok((all.clone(), Some(60))));
        assert_eq!(understood("--replay"), Ok((all, None)));
    }

    #[test]
    fn seconds_and_targets_are_taken_in_any_order() {
        let one = vec!["path".to_owned()];
        assert_eq!(understood("path --seconds 5"), Ok((one.clone(), Some(5))));
        assert_eq!(understood("--seconds 5 path"), Ok((one, Some(5))));
    }

    #[test]
    fn what_is_not_known_is_refused_with_what_is() {
        assert!(understood("parse").unwrap_err().contains("apply, decode, path"));
        assert!(understood("--seconds").unwrap_err().contains("number"));
        assert!(understood("--seconds soon").unwrap_err().contains("number"));
    }
}
