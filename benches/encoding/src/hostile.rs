//! Every prefix and every bit flip of two values, a bomb, and a deep archive.

use crate::archive::{self, Rkyv};
use crate::flex::{self, Flex};
use crate::format::{Format, Ours};
use crate::values;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

#[derive(Default)]
struct Tally {
    cases: u64,
    panics: u64,
    /// What the first panic said.
    first_panic: Option<String>,
    refused: u64,
    /// Accepted with another meaning, as a checksum would be needed to tell.
    other: u64,
    /// Accepted with the same meaning as the bytes before the damage.
    same: u64,
    /// Accepted, but encoding the meaning again gives other bytes.
    not_canonical: u64,
    /// Most memory for one byte of an input that was refused, and of one that was accepted.
    memory: [f64; 2],
}

fn probe<F: Format>(tally: &mut Tally, damaged: &[u8], whole: &theus_value::Value) {
    let buffer = F::buffer(damaged);
    let mut answer = Ok(None);
    let counted = allocation_counter::measure(|| {
        answer = catch_unwind(AssertUnwindSafe(|| F::decode(&buffer)));
    });
    tally.cases += 1;
    let per_byte = counted.bytes_max as f64 / damaged.len().max(1) as f64;
    match answer {
        Err(panic) => {
            tally.panics += 1;
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            tally.first_panic = tally.first_panic.take().or(text);
        }
        Ok(None) => {
            tally.refused += 1;
            tally.memory[0] = tally.memory[0].max(per_byte);
        }
        Ok(Some(value)) => {
            tally.memory[1] = tally.memory[1].max(per_byte);
            if value == *whole {
                tally.same += 1;
            } else {
                tally.other += 1;
            }
            let again = F::encode(&F::source(&value));
            tally.not_canonical += u64::from(again.as_ref() != damaged);
        }
    }
}

/// Prints a row; what the first panic said, if there was one.
fn tally<F: Format>() -> Option<String> {
    let mut tally = Tally::default();
    for value in [values::small(), values::agents(30)] {
        let bytes = F::encode(&F::source(&value)).as_ref().to_vec();
        // The meaning as this format keeps it.
        let Some(whole) = F::decode(&F::buffer(&bytes)) else { continue };
        for end in 0..bytes.len() {
            probe::<F>(&mut tally, &bytes[..end], &whole);
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            probe::<F>(&mut tally, &flipped, &whole);
        }
    }
    let Tally {
        cases,
        panics,
        first_panic,
        refused,
        other,
        same,
        not_canonical,
        memory: [refusing, accepting],
    } = tally;
    println!(
        "| {} | {cases} | {panics} | {refused} | {other} | {same} | {not_canonical} | {refusing:.1} | {accepting:.1} |",
        F::name()
    );
    first_panic
}

pub fn report() {
    std::panic::set_hook(Box::new(|_| {}));
    println!(
        "\n| format | damaged inputs | panics | refused | accepted, other meaning | accepted, same meaning \
         | accepted, not canonical | most bytes a byte, refused | accepted |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    );
    let panics = [tally::<Ours>(), tally::<Flex>(), tally::<Rkyv>()];
    println!("\nfirst panic of each: {panics:?}");

    for levels in [10, 20, 40] {
        let bomb = flex::bomb(levels);
        let value = Flex::decode(&bomb);
        let made = flex::MADE.get();
        let outcome = if value.is_some() { "accepted" } else { "given up" };
        println!(
            "\nFlexBuffers, {} bytes of {levels} vectors that name the next one twice: {made} values made, {outcome}",
            bomb.len()
        );
    }
    let own = std::env::current_exe().and_then(|own| Command::new(own).arg("deep").status());
    println!(
        "\nrkyv, an archive of 1,000,000 lists inside one another, checked with `rkyv::access`: {own:?}"
    );
}

/// In a process of its own, since it may not come back.
pub fn read_deep_archive() {
    let maker = std::thread::Builder::new().stack_size(8 << 30).spawn(|| archive::deep(1_000_000));
    let Ok(Ok(bytes)) = maker.map(|maker| maker.join()) else { return };
    println!("\n{} bytes made", bytes.len());
    drop(Rkyv::decode(&bytes));
}
