//! The `piton` command from the outside: on the virtual board, a micro:bit, a Pico and the unix port, and beside mpremote.

#[cfg(unix)]
#[cfg(test)]
mod action;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod build;
#[cfg(test)]
mod care;
#[cfg(test)]
mod compile;
#[cfg(unix)]
#[cfg(test)]
mod completions;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod config;
#[cfg(test)]
mod connect;
#[cfg(unix)]
#[cfg(test)]
mod differential;
#[cfg(unix)]
#[cfg(test)]
mod edit;
#[cfg(test)]
mod exec;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[cfg(test)]
mod fat;
#[cfg(test)]
mod fs;
#[cfg(test)]
mod help;
#[cfg(unix)]
#[cfg(test)]
mod hostile_names;
#[cfg(test)]
mod http;
#[cfg(unix)]
#[cfg(test)]
mod input;
#[cfg(test)]
mod inspect;
#[cfg(unix)]
#[cfg(test)]
mod interrupt;
#[cfg(unix)]
#[cfg(test)]
mod lines;
#[cfg(unix)]
#[cfg(test)]
mod lost;
#[cfg(unix)]
#[cfg(test)]
mod microbit;
#[cfg(test)]
mod minify;
#[cfg(test)]
mod mip;
#[cfg(test)]
mod mip_sources;
#[cfg(test)]
mod mount;
#[cfg(unix)]
#[cfg(test)]
mod mpy_cross;
#[cfg(unix)]
#[cfg(test)]
mod pico;
#[cfg(test)]
mod programs;
mod projects;
#[cfg(unix)]
#[cfg(test)]
mod reconnect;
#[cfg(unix)]
#[cfg(test)]
mod repl;
#[cfg(test)]
mod reserved;
#[cfg(unix)]
#[cfg(test)]
mod romfs;
#[cfg(test)]
mod rtc;
#[cfg(test)]
mod ship;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod support;
#[cfg(test)]
mod sync;
#[cfg(unix)]
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod trust;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[cfg(test)]
mod unix_current;
#[cfg(test)]
mod verbosity;
#[cfg(test)]
mod virtual_modules;
#[cfg(unix)]
#[cfg(test)]
mod virtual_serve;
#[cfg(test)]
mod vm_file;
#[cfg(test)]
mod web;
#[cfg(unix)]
#[cfg(test)]
mod webrepl;
#[cfg(unix)]
#[cfg(test)]
mod yaml;
