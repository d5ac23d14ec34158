//! The workflows of the library, on the virtual board.

// Helpers of tests may unwrap and index as tests may: clippy takes only what is under `cfg(test)` for a test.
#![cfg(test)]

mod board_macro;
mod build_results;
mod building;
mod clock;
mod compile;
mod copy;
mod copy_errors;
mod device;
mod device_boards;
mod device_events;
mod device_faults;
mod device_long_runs;
mod device_sweep;
mod device_values;
mod events;
mod examples;
mod http;
mod mip;
mod mip_changes;
mod mount;
mod package_index;
mod program;
mod program_run;
mod project;
mod project_cuts;
mod releases;
mod reports;
mod romfs;
mod session;
mod shipment;
mod shipment_board;
mod shipment_download;
mod shipment_drive;
mod shipment_faults;
mod shipment_read;
mod support;
mod sync;
mod sync_rules;
mod vm_pin;
mod workspace;
mod workspace_cuts;
mod workspace_hostile;
