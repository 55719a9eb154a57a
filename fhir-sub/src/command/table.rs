//! A table of text, its columns as wide as they need to be.

/// Lays out `rows` under `titles`.
pub(super) fn table<const COLUMNS: usize>(titles: [&str; COLUMNS], rows: &[[String; COLUMNS]]) -> String {
    let mut widths = titles.map(width);
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            widths[column] = widths[column].max(width(cell));
        }
    }
    let line = |cells: [&str; COLUMNS]| {
        let cells = cells
            .iter()
            .zip(widths)
            .map(|(cell, column)| format!("{cell}{}", " ".repeat(column - width(cell))));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let lines = rows.iter().map(|row| line(std::array::from_fn(|column| row[column].as_str())));
    std::iter::once(line(titles)).chain(lines).collect::<Vec<_>>().join("\n")
}

fn width(text: &str) -> usize {
    text.chars().count()
}
