//! The order in which packages are decided.

#![expect(
    clippy::indexing_slicing,
    reason = "all numbers are made by the search"
)]

use super::Package;

/// The packages that may need a version: a heap, the one to decide first at its top.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: Vec<usize>,
    /// Where each package is in the heap.
    pub(super) places: Vec<Option<usize>>,
}

impl Queue {
    pub(super) fn insert(&mut self, package: usize, packages: &[Package]) {
        if self.places[package].is_none() {
            self.places[package] = Some(self.heap.len());
            self.heap.push(package);
            self.rise(package, packages);
        }
    }

    pub(super) fn pop(&mut self, packages: &[Package]) -> Option<usize> {
        let first = *self.heap.first()?;
        self.places[first] = None;
        let last = self.heap.pop()?;
        if last != first {
            self.put(0, last);
            self.sink(0, packages);
        }
        Some(first)
    }

    fn put(&mut self, place: usize, package: usize) {
        self.heap[place] = package;
        self.places[package] = Some(place);
    }

    /// Moves a package to the top as far as it belongs there.
    pub(super) fn rise(&mut self, package: usize, packages: &[Package]) {
        let Some(mut place) = self.places[package] else {
            return;
        };
        while place > 0 {
            let parent = (place - 1) / 2;
            let above = self.heap[parent];
            if !is_before(package, above, packages) {
                break;
            }
            self.put(place, above);
            self.put(parent, package);
            place = parent;
        }
    }

    fn sink(&mut self, mut place: usize, packages: &[Package]) {
        loop {
            let children = (2 * place + 1..2 * place + 3).filter(|child| *child < self.heap.len());
            let first = children.reduce(|one, other| {
                match is_before(self.heap[other], self.heap[one], packages) {
                    true => other,
                    false => one,
                }
            });
            let Some(first) = first else {
                return;
            };
            let (package, below) = (self.heap[place], self.heap[first]);
            if !is_before(below, package, packages) {
                return;
            }
            self.put(place, below);
            self.put(first, package);
            place = first;
        }
    }
}

/// Returns whether a package is decided before another: the more contradictions it was part of, then in the order of the packages.
fn is_before(one: usize, other: usize, packages: &[Package]) -> bool {
    let (first, second) = (packages[one].activity, packages[other].activity);
    match first == second {
        true => one < other,
        false => first > second,
    }
}
