//! The `piton` command from the outside: on the virtual board, a micro:bit, a Pico and the unix port, and beside mpremote.
//!
//! A module for one system only needs what that system has: `cfg(unix)` a pty, a signal or a POSIX shell, Linux on x86_64 a
//! program that is pinned for that alone.

// Helpers of tests may unwrap and index as tests may: clippy takes only what is under `cfg(test)` for a test.
#![cfg(test)]

#[cfg(unix)]
mod action;
mod bad_input;
#[cfg(unix)]
mod belay;
#[cfg(unix)]
mod belay_projects;
mod build;
mod build_tools;
mod care;
mod compile;
#[cfg(unix)]
mod completions;
#[cfg(target_os = "linux")]
mod config;
mod connect;
#[cfg(unix)]
mod differential;
mod doctor;
#[cfg(test)]
mod documents;
#[cfg(unix)]
mod edit;
mod events;
mod exec;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod fat;
mod fs;
mod help;
#[cfg(unix)]
mod hostile_names;
mod http;
mod index;
#[cfg(unix)]
mod input;
mod inspect;
#[cfg(unix)]
mod interrupt;
#[cfg(unix)]
mod lines;
#[cfg(unix)]
mod lost;
mod manifest;
#[cfg(unix)]
mod microbit;
mod micropython;
mod minify;
mod mip;
mod mip_sources;
mod mount;
#[cfg(unix)]
mod mpy_cross;
mod new;
mod packages;
#[cfg(unix)]
mod pico;
mod programs;
mod projects;
#[cfg(unix)]
mod reconnect;
#[cfg(unix)]
mod releases;
#[cfg(unix)]
mod repl;
mod reserved;
#[cfg(unix)]
mod romfs;
mod rtc;
mod self_check;
mod ship;
mod signing;
mod support;
mod sync;
#[cfg(unix)]
mod terminal;
mod test_command;
mod trust;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod unix_current;
mod verbosity;
mod virtual_modules;
#[cfg(unix)]
mod virtual_serve;
mod vm_file;
mod web;
#[cfg(unix)]
mod webrepl;
#[cfg(unix)]
mod yaml;
