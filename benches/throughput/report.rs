//! What was found: a table for people, a file for comparing.

use std::path::Path;

use serde_json::{Value, json};

/// One line of the table.
pub struct Finding {
    pub what: &'static str,
    pub measured: String,
    pub goal: String,
    /// `None` where there is no goal.
    pub met: Option<bool>,
    /// What the figure was made from.
    pub from: Value,
}

/// Several runs of one thing.
#[derive(Clone, Debug, Default)]
pub struct Runs(pub Vec<f64>);

impl Runs {
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        let upper = sorted.len() / 2;
        if sorted.len().is_multiple_of(2) {
            f64::midpoint(at(upper.wrapping_sub(1)), at(upper))
        } else {
            at(upper)
        }
    }

    /// Round by round, how much of another's figure this one's is.
    pub fn against(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect())
    }

    /// The lowest and the highest.
    fn spread(&self) -> (f64, f64) {
        let lowest = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (lowest, highest)
    }

    /// A figure made of medians, with the spread of these.
    fn told(&self, figure: f64, unit: &str) -> String {
        let (low, high) = self.spread();
        format!("{figure:.2}{unit} ({low:.2} to {high:.2})")
    }

    pub fn json(&self) -> Value {
        json!(self.0)
    }
}

/// All that was found.
#[derive(Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub fn say(&mut self, finding: Finding) {
        println!("  {}: {} (goal {})", finding.what, finding.measured, finding.goal);
        self.findings.push(finding);
    }

    /// A ratio of medians that should be at least `goal`; `rounds` has that of each round.
    pub fn at_least(
        &mut self,
        what: &'static str,
        ratio: f64,
        rounds: &Runs,
        goal: f64,
        from: Value,
    ) {
        let measured = rounds.told(ratio, "");
        self.say(Finding {
            what,
            measured,
            goal: format!("≥ {goal}"),
            met: Some(ratio >= goal),
            from,
        });
    }

    /// A median, or a ratio of medians, that should be at most `goal`; `rounds` has that of each round.
    pub fn at_most(
        &mut self,
        what: &'static str,
        figure: f64,
        rounds: &Runs,
        goal: f64,
        unit: &str,
        from: Value,
    ) {
        let measured = rounds.told(figure, unit);
        self.say(Finding {
            what,
            measured,
            goal: format!("≤ {goal}{unit}"),
            met: Some(figure <= goal),
            from,
        });
    }

    /// Prints the table and keeps it in a file.
    pub fn end(&self, file: &Path) {
        println!("\n| what | median (lowest to highest round) | goal | met |\n|---|---|---|---|");
        for Finding { what, measured, goal, met, .. } in &self.findings {
            let met = match met {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "",
            };
            println!("| {what} | {measured} | {goal} | {met} |");
        }
        let rows: Vec<Value> = self
            .findings
            .iter()
            .map(|row| json!({"what": row.what, "measured": row.measured, "goal": row.goal, "met": row.met, "from": row.from}))
            .collect();
        let text = serde_json::to_string_pretty(&json!({"findings": rows})).unwrap();
        std::fs::write(file, text + "\n").unwrap();
        println!("\nkept in {}", file.display());
    }
}
