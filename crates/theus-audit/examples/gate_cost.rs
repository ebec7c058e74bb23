//! What a gate costs: ten rules that pass, with and without another key that is counted.
//!
//! `cargo run --release -p theus-audit --example gate_cost`
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::hint::black_box;
use std::time::Instant;

use theus_audit::{AuditSystem, Book, Leniency, Level, Number, RecipeError, Rule, Subject};

const TIMES: u32 = 200_000;
const ROUNDS: usize = 7;

fn main() -> Result<(), RecipeError> {
    let numbers = ten("min: 1, max: 9, neq: 7")?;
    report("ten numeric rules", &AuditSystem::default(), &numbers);
    let expressions = ten("regex: '[a-z]+@[a-z]+\\.com', max_len: 40")?;
    report("ten expressions", &AuditSystem::default(), &expressions);
    let counting = AuditSystem::default();
    counting.log_fail("elsewhere", Some(Level::Count), None);
    report("ten numeric rules while another key is counted", &counting, &numbers);
    Ok(())
}

/// Ten rules with the same tests for ten fields.
fn ten(tests: &str) -> Result<Vec<Rule>, RecipeError> {
    let rules: String = (0..10).map(|number| format!("{{field: f{number}, {tests}}}, ")).collect();
    let text = format!("process_recipes: {{p: {{inputs: [{rules}]}}}}");
    let (mut book, _) = Book::parse(&text, "gate_cost", Leniency::Strict)?;
    Ok(book.processes.remove("p").unwrap_or_default().inputs)
}

/// Prints the best of some rounds, which is what the machine can do when nothing else runs.
fn report(name: &str, audit: &AuditSystem, rules: &[Rule]) {
    let look = |rule: &Rule| match rule.field() {
        "f0" => Subject::Number(Number::Float(5.0)),
        _ => Subject::Number(Number::Int(5)),
    };
    let text = |_: &Rule| Subject::Text("ada@example.com");
    let with_text = name.contains("expressions");
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..TIMES {
            let judgement = if with_text {
                audit.judge(black_box(rules), text)
            } else {
                audit.judge(black_box(rules), look)
            };
            assert!(black_box(judgement).refused.is_none());
        }
        best = best.min(start.elapsed().as_secs_f64() / f64::from(TIMES));
    }
    println!("{name}: {:.0} ns", best * 1e9);
}
