//! The binary: hands over to the command line.

fn main() -> std::process::ExitCode {
    korrel8::cli::main()
}
