//! A table of text with columns of the right width.

/// Lays out `rows` under `titles`.
pub(super) fn table<const COLUMNS: usize>(titles: [&str; COLUMNS], rows: &[[String; COLUMNS]]) -> String {
    let rows: Vec<_> = rows.iter().map(<[String; COLUMNS]>::as_slice).collect();
    lay_out(&titles, &rows)
}

/// Once in the program, and not once for each number of columns.
#[inline(never)]
fn lay_out(titles: &[&str], rows: &[&[String]]) -> String {
    let mut widths: Vec<_> = titles.iter().map(|title| width(title)).collect();
    for row in rows {
        for (column, cell) in widths.iter_mut().zip(*row) {
            *column = width(cell).max(*column);
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (cell, column) in cells.zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(column - width(cell) + 2));
        }
        line.trim_end().to_owned()
    };
    let mut lines = vec![line(&mut titles.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

#[inline(never)]
fn width(text: &str) -> usize {
    text.chars().count()
}
