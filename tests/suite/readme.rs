//! The README tells what the program does.

use std::fs;
use std::path::Path;

#[test]
fn the_key_table_is_that_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(path).expect("the README");
    let (_, rest) = text.split_once("readme.rs -->\n").expect("the start of the table");
    let (table, _) = rest.split_once("<!-- /keys -->").expect("the end of the table");
    assert_eq!(
        table.trim(),
        korrel8::tui::key_table().trim(),
        "the table in README.md is not that of src/tui/action.rs"
    );
}
