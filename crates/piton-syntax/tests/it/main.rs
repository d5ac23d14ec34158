//! Tokens, trees and the texts of numbers, as data: a source and what is made of it in one snapshot.

#[cfg(test)]
mod numbers;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod trees;
