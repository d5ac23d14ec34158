//! Tokens, trees and the texts of numbers, as data: a source and what is made of it in one snapshot.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod folding;
#[cfg(test)]
mod grammar;
#[cfg(test)]
mod literals;
#[cfg(test)]
mod minify;
#[cfg(test)]
mod numbers;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod trees;
