//! The matrix: one file becomes many variants by putting typed values in the place of `"$axis"`.
//!
//! Values are substituted whole, never pasted into text. An axis entry is a plain value, or a table with a
//! `name` whose other entries are reached as `"$axis.entry"`.

use std::{borrow::Cow, ops::Range, sync::Arc};

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{Problem, Problems, Source};

/// One variant.
pub(super) struct Expanded<'i> {
    /// Axis and name of its value, in the order of the file.
    pub(super) names: Vec<(String, String)>,
    /// The file with the values filled in and without the matrix.
    pub(super) root: Spanned<DeTable<'i>>,
}

const MAX_VARIANTS: usize = 4096;

/// Expands a file; without a matrix there is one variant, without a name.
pub(super) fn expand<'i>(
    source: &Arc<Source>,
    root: Spanned<DeTable<'i>>,
) -> Result<Vec<Expanded<'i>>, Problems> {
    let span = root.span();
    let mut table = root.into_inner();
    let matrix = table.remove("matrix");
    let axes = match matrix {
        Some(matrix) => axes(source, matrix)?,
        None => Vec::new(),
    };
    let total: usize = axes.iter().map(|axis| axis.entries.len()).product();
    if total > MAX_VARIANTS {
        return Err(
            Problem::new(source, span, format!("{total} variants are too many"))
                .help(format!("a file may expand to {MAX_VARIANTS}"))
                .into(),
        );
    }
    let mut variants = Vec::with_capacity(total);
    for number in 0..total {
        let chosen = choose(&axes, number);
        let mut problems = Problems::default();
        let root = substitute_table(&table, &chosen, source, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        variants.push(Expanded {
            names: chosen
                .iter()
                .map(|(axis, entry)| (axis.name.clone(), entry.name.clone()))
                .collect(),
            root: Spanned::new(span.clone(), root),
        });
    }
    Ok(variants)
}

struct Axis<'i> {
    name: String,
    entries: Vec<Entry<'i>>,
}

struct Entry<'i> {
    name: String,
    value: Spanned<DeValue<'i>>,
}

fn axes<'i>(source: &Arc<Source>, matrix: Spanned<DeValue<'i>>) -> Result<Vec<Axis<'i>>, Problems> {
    let span = matrix.span();
    let DeValue::Table(table) = matrix.into_inner() else {
        return Err(Problem::new(source, span, "`matrix` is not a table")
            .help("write `[matrix]` and below it one list for each axis")
            .into());
    };
    let mut found: Vec<(Range<usize>, Axis<'i>)> = Vec::new();
    for (key, value) in table {
        let name = key.get_ref().to_string();
        let value_span = value.span();
        let DeValue::Array(entries) = value.into_inner() else {
            return Err(
                Problem::new(source, value_span, format!("axis `{name}` is not a list")).into(),
            );
        };
        let mut axis = Axis {
            name,
            entries: Vec::new(),
        };
        for value in entries {
            let entry = entry(source, value)?;
            if axis.entries.iter().any(|it| it.name == entry.name) {
                let message = format!("axis `{}` names `{}` twice", axis.name, entry.name);
                return Err(Problem::new(source, entry.value.span(), message).into());
            }
            axis.entries.push(entry);
        }
        if axis.entries.is_empty() {
            return Err(
                Problem::new(source, value_span, format!("axis `{}` is empty", axis.name)).into(),
            );
        }
        found.push((key.span(), axis));
    }
    found.sort_by_key(|(span, _)| span.start);
    Ok(found.into_iter().map(|(_, axis)| axis).collect())
}

fn entry<'i>(source: &Arc<Source>, value: Spanned<DeValue<'i>>) -> Result<Entry<'i>, Problems> {
    let name = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Table(table) => match table.get("name").map(Spanned::get_ref) {
            Some(DeValue::String(text)) => text.to_string(),
            _ => {
                return Err(Problem::new(
                    source,
                    value.span(),
                    "an axis entry that is a table needs a name",
                )
                .help("write `{ name = \"…\", … }`")
                .into());
            }
        },
        _ => {
            return Err(Problem::new(
                source,
                value.span(),
                "an axis entry is a string, a number, true, false or a table with a name",
            )
            .into());
        }
    };
    if name.is_empty()
        || !name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
    {
        return Err(Problem::new(
            source,
            value.span(),
            format!("`{name}` cannot be part of an id"),
        )
        .help("use letters, digits, `.`, `-` and `_`, or a table with a name")
        .into());
    }
    Ok(Entry { name, value })
}

fn choose<'a, 'i>(axes: &'a [Axis<'i>], mut number: usize) -> Vec<(&'a Axis<'i>, &'a Entry<'i>)> {
    let mut chosen: Vec<_> = axes
        .iter()
        .rev()
        .map(|axis| {
            let entry = &axis.entries[number % axis.entries.len()];
            number /= axis.entries.len();
            (axis, entry)
        })
        .collect();
    chosen.reverse();
    chosen
}

type Chosen<'a, 'i> = [(&'a Axis<'i>, &'a Entry<'i>)];

fn substitute_table<'i>(
    table: &DeTable<'i>,
    chosen: &Chosen<'_, 'i>,
    source: &Arc<Source>,
    problems: &mut Problems,
) -> DeTable<'i> {
    table
        .iter()
        .map(|(key, value)| (key.clone(), substitute(value, chosen, source, problems)))
        .collect()
}

fn substitute<'i>(
    value: &Spanned<DeValue<'i>>,
    chosen: &Chosen<'_, 'i>,
    source: &Arc<Source>,
    problems: &mut Problems,
) -> Spanned<DeValue<'i>> {
    match value.get_ref() {
        DeValue::String(text) => match text.strip_prefix('$') {
            Some(path) => look_up(path, value, chosen, source, problems),
            None => value.clone(),
        },
        DeValue::Array(items) => {
            let mut array = DeArray::new();
            for item in items.iter() {
                array.push(substitute(item, chosen, source, problems));
            }
            Spanned::new(value.span(), DeValue::Array(array))
        }
        DeValue::Table(table) => Spanned::new(
            value.span(),
            DeValue::Table(substitute_table(table, chosen, source, problems)),
        ),
        _ => value.clone(),
    }
}

fn look_up<'i>(
    path: &str,
    value: &Spanned<DeValue<'i>>,
    chosen: &Chosen<'_, 'i>,
    source: &Arc<Source>,
    problems: &mut Problems,
) -> Spanned<DeValue<'i>> {
    let (axis, field) = match path.split_once('.') {
        Some((axis, field)) => (axis, Some(field)),
        None => (path, None),
    };
    let Some((_, entry)) = chosen.iter().find(|(it, _)| it.name == axis) else {
        let names: Vec<_> = chosen
            .iter()
            .map(|(it, _)| format!("`${}`", it.name))
            .collect();
        let expected = if names.is_empty() {
            "there is no matrix".to_owned()
        } else {
            format!("expected {}", names.join(" or "))
        };
        problems.push(Problem::new(
            source,
            value.span(),
            format!("unknown axis `${axis}`, {expected}"),
        ));
        return value.clone();
    };
    match (field, entry.value.get_ref()) {
        (None, DeValue::Table(table)) => Spanned::new(
            entry.value.span(),
            DeValue::Table(
                table
                    .iter()
                    .filter(|(key, _)| key.get_ref() != &Cow::Borrowed("name"))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect(),
            ),
        ),
        (None, _) => entry.value.clone(),
        (Some(field), DeValue::Table(table)) => match table.get(field) {
            Some(found) => found.clone(),
            None => {
                let message = format!("`{}` of axis `${axis}` has no `{field}`", entry.name);
                problems.push(Problem::new(source, entry.value.span(), message));
                value.clone()
            }
        },
        (Some(field), _) => {
            let message = format!("axis `${axis}` has plain values, so there is no `{field}`");
            problems.push(Problem::new(source, value.span(), message));
            value.clone()
        }
    }
}
