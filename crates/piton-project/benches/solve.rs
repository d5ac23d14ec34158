//! How long the solver takes for an index of 2,000 packages: `cargo bench -p piton-project --bench solve`.
#![allow(clippy::print_stdout, missing_docs)]

use std::collections::BTreeMap;
use std::time::Instant;

use piton_project::solve::{Catalog, Need, solve};

const PACKAGES: u64 = 2000;
const VERSIONS: u64 = 8;

/// xorshift64*: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}

/// Returns an index in which one version of each package fits with one of each other, and most of the higher versions lead
/// into a conflict.
fn index(numbers: &mut Numbers) -> (Catalog, Vec<Need>) {
    let fitting: Vec<u64> = (0..PACKAGES).map(|_| 1 + numbers.below(VERSIONS)).collect();
    let mut catalog = Catalog::default();
    for package in 0..PACKAGES {
        for version in 1..=VERSIONS {
            let is_fitting = fitting.get(package as usize) == Some(&version);
            let needs = (0..numbers.below(6)).map(|_| {
                let other = numbers.below(PACKAGES);
                let around = match is_fitting {
                    true => fitting.get(other as usize).copied().unwrap_or(1),
                    false => 1 + numbers.below(VERSIONS),
                };
                let low = around - numbers.below(around);
                let high = around + 1 + numbers.below(3);
                need(other, &format!(">={low},<{high}"))
            });
            let needs = needs.collect();
            let version = version.to_string().parse().expect("a number is a version");
            catalog.add_needs(&format!("p{package}"), &version, needs);
        }
    }
    let needs = (0..PACKAGES).step_by(20).map(|package| need(package, "*"));
    (catalog, needs.collect())
}

fn need(package: u64, range: &str) -> Need {
    let range = range.parse().expect("the range is valid");
    Need::new(format!("p{package}"), range)
}

fn main() {
    for seed in [1, 2, 3, 5, 8] {
        let (catalog, needs) = index(&mut Numbers(seed));
        let start = Instant::now();
        let solved = solve(&needs, &catalog, &BTreeMap::new(), &|| true);
        let time = start.elapsed();
        match solved {
            Ok(solution) => println!("index {seed}: {} packages in {time:?}", solution.len()),
            Err(error) => println!("index {seed}: no solution in {time:?}: {error}"),
        }
    }
}
