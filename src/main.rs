//! The `steward` binary: hands over to the library's front door.

use std::process::ExitCode;

fn main() -> ExitCode {
    steward::cli::main()
}
